// Which school of the district each of the provider's schools probably is.

// For each school of the provider that none of ours is yet: the school to store, new unless `match`.
export function suggest(ours, theirs) {
  const taken = new Set(ours.map((school) => school.oneroster_id));
  const free = ours.filter((school) => !school.oneroster_id);
  const suggestions = [];
  for (const provider of theirs) {
    if (taken.has(provider.sourced_id)) continue;
    const place = free.findIndex((school) => isSame(school, provider));
    const [match = null] = place < 0 ? [] : free.splice(place, 1);
    const school = match ?? { name: provider.name ?? provider.sourced_id, from: provider.sourced_id };
    suggestions.push({ provider, match: match !== null, school: { ...school, oneroster_id: provider.sourced_id } });
  }
  return suggestions.sort((one, other) => other.match - one.match || text(one).localeCompare(text(other)));
}

function isSame(school, provider) {
  const ids = [provider.identifier, provider.sourced_id].filter(Boolean).map((id) => id.toLowerCase());
  return ids.includes(school.school_id.toLowerCase()) || (provider.name !== null && plain(provider.name) === plain(school.name));
}

function plain(name) {
  return name
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, " ")
    .replaceAll(/\b(school|the|of)\b/g, " ")
    .replaceAll(/\belem\b/g, "elementary")
    .replaceAll(/\s+/g, " ")
    .trim();
}

function text({ provider }) {
  return provider.name ?? provider.sourced_id;
}

// The id of a school that is new here: the text itself if it can be one, else one made from it.
export async function newSchoolId(source, taken) {
  if (/^[A-Za-z0-9_.-]{1,64}$/.test(source) && !taken.includes(source)) return source;
  // Two texts may differ only in characters that an id cannot have.
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(source)));
  const hexadecimal = [...digest.slice(0, 6)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${source.replaceAll(/[^A-Za-z0-9_.-]+/g, "-").slice(0, 50)}-${hexadecimal}`;
}
