// Comma-separated values, both ways.

// Rows of cells; as spreadsheets write them.
export function parseCsv(text) {
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  const source = text.replace(/^\uFEFF/, "");
  for (let place = 0; place < source.length; place += 1) {
    const character = source[place];
    if (quoted) {
      if (character !== '"') cell += character;
      else if (source[place + 1] === '"') {
        cell += '"';
        place += 1;
      } else quoted = false;
    } else if (character === '"' && cell === "") quoted = true;
    else if (character === ",") {
      row.push(cell);
      cell = "";
    } else if (character === "\n" || character === "\r") {
      if (character === "\r" && source[place + 1] === "\n") place += 1;
      rows.push([...row, cell]);
      row = [];
      cell = "";
    } else cell += character;
  }
  if (cell !== "" || row.length) rows.push([...row, cell]);
  return rows.filter((cells) => cells.some((each) => each.trim() !== ""));
}

const QUOTE = 0x22;
const LF = 0x0a;

// A large file in parts of at most `most` bytes, each with the header, and an empty line for every line before it, so
// that line numbers are those of the file.
export function partsOf(bytes, most) {
  const parts = [];
  const ends = recordEnds(bytes);
  const [headerEnd, headerLines] = ends[0] ?? [bytes.length, 1];
  let [start, startLine] = [headerEnd, headerLines];
  const cutAt = (end) => parts.push(new Blob([bytes.subarray(0, headerEnd), "\n".repeat(startLine - headerLines), bytes.subarray(start, end)]));
  let [last, lastLine] = [start, startLine];
  for (const [end, line] of [...ends.slice(1), [bytes.length, startLine]]) {
    if (end - start + headerEnd + startLine > most && last > start) {
      cutAt(last);
      [start, startLine] = [last, lastLine];
    }
    [last, lastLine] = [end, line];
  }
  if (start < bytes.length) cutAt(bytes.length);
  return parts;
}

// Where each record ends, and how many lines there are up to then; a quoted value may hold line breaks.
function recordEnds(bytes) {
  const ends = [];
  let quoted = false;
  let lines = 0;
  for (let place = 0; place < bytes.length; place += 1) {
    if (bytes[place] === QUOTE) quoted = !quoted;
    else if (bytes[place] === LF) {
      lines += 1;
      if (!quoted) ends.push([place + 1, lines]);
    }
  }
  return ends;
}

export function toCsv(rows) {
  return `\uFEFF${rows.map((cells) => cells.map(written).join(",")).join("\r\n")}\r\n`;
}

function written(value) {
  const text = String(value ?? "");
  // A spreadsheet would run what begins like a formula.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
