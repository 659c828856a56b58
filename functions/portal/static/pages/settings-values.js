// The settings' form as the API's body, and how two such bodies differ.

const DAYS = ["pause_from", "pause_until", "school_year_from", "school_year_until"];
const TEXTS = ["base_url", "consumer_key", "token_url", "counselor_metadata_key", "role_metadata_key", "sync_time", "timezone", "credentials_expire_on", ...DAYS];
const NUMBERS = ["deactivation_percent", "deactivation_minimum", "change_percent", "change_minimum", "parallel_requests", "page_size", "full_fetch_days"];
const SWITCHES = ["delta_nights", "first_run_preview", "deactivate_outside_school_year"];
const ROLE = "role:";
const READ_ONLY = [
  "district_id",
  "consumer_secret_set",
  "offered_products",
  "next_night",
  "previewed_at",
  "sign_in",
  "version",
  "updated_at",
  "why_not_run",
  "notices",
];

// What to send: settings are replaced whole, so what the form does not show goes back as it came.
export function whole(body, stored) {
  const kept = Object.entries(stored).filter(([name]) => !READ_ONLY.includes(name));
  return { ...Object.fromEntries(kept), ...body };
}

export function entered(form) {
  const data = new FormData(form);
  const text = (name) => (data.get(name) ?? "").trim() || null;
  const secret = text("consumer_secret");
  const signIn = text("sign_in");
  return {
    ...Object.fromEntries(TEXTS.map((name) => [name, text(name)])),
    ...Object.fromEntries(NUMBERS.map((name) => [name, Number(data.get(name))])),
    ...(secret ? { consumer_secret: secret } : {}),
    ...(signIn ? { sign_in: { method: signIn, token_url: null } } : {}),
    limits_lifted_until: moment(text("limits_lifted_until")),
    products: data.getAll("products").sort(),
    metadata_keys: (text("metadata_keys") ?? "")
      .split(",")
      .map((key) => key.trim())
      .filter(Boolean),
    roles: Object.fromEntries(
      [...data].filter(([name, value]) => name.startsWith(ROLE) && value).map(([name, value]) => [name.slice(ROLE.length), value]),
    ),
    ...Object.fromEntries(SWITCHES.map((name) => [name, data.has(name)])),
  };
}

// The field has minutes of the reader's zone.
function moment(local) {
  return local ? `${new Date(local).toISOString().slice(0, 16)}:00Z` : null;
}

export function isSame(body, stored) {
  return differences(body, stored).length === 0;
}

// Name, ours and theirs of each setting that differs; a secret that is entered differs, and is not shown.
export function differences(body, stored) {
  return Object.entries(body)
    .map(([name, value]) => [name, shown(value), shown(stored[name])])
    .filter(([, ours, theirs]) => ours !== theirs)
    .map(([name, ours, theirs]) => (name === "consumer_secret" ? [name, "•••", "•••"] : [name, ours, theirs]));
}

function shown(value) {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return [...value].join(", ") || "–";
  if ("method" in Object(value)) return value.method;
  if (typeof value === "object") {
    return (
      Object.entries(value)
        .sort()
        .map(([name, role]) => `${name}: ${role}`)
        .join(", ") || "–"
    );
  }
  return String(value);
}
