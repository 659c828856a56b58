// The settings API, as the signed-in account.

import { idToken, pageUrl, renew } from "./session.js";
import { t } from "./text.js";

// What went wrong, in a sentence that says what to do.
export class Problem extends Error {
  constructor(status, detail, errors = [], retryAfterS = null) {
    super(detail);
    this.status = status;
    this.errors = errors;
    this.retryAfterS = retryAfterS;
  }
}

// The API of one district; without one, of what staff sees of all. Every method rejects with a Problem.
export class DistrictApi {
  constructor(district = null) {
    this.district = district;
  }

  async get(path, query = {}, signal = undefined) {
    return (await this.send("GET", path, { query, signal })).body;
  }

  async post(path, json = undefined) {
    return (await this.send("POST", path, { json })).body;
  }

  // `body` is the parsed answer, null if there is none; `etag` names the version of what was answered.
  async send(method, path, { query = {}, json, text, type, headers = {}, signal } = {}) {
    const place = this.district === null ? path : `districts/${encodeURIComponent(this.district)}/${path}`;
    const url = new URL(place, pageUrl());
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
    }
    const request = {
      method,
      signal,
      headers: { ...headers, ...(json === undefined ? {} : { "Content-Type": "application/json" }) },
      body: json === undefined ? text : JSON.stringify(json),
    };
    if (type) request.headers["Content-Type"] = type;
    let answer = await fetched(url, request);
    if (answer.status === 401) {
      await renew();
      answer = await fetched(url, request);
    }
    const body = await read(answer);
    if (!answer.ok) throw problem(answer, body);
    return { body, etag: answer.headers.get("ETag"), status: answer.status };
  }

  // Puts a file where the API said; that place knows no token.
  async put({ url, method, headers }, file) {
    let answer;
    try {
      answer = await fetch(url, { method, headers, body: file });
    } catch {
      throw new Problem(0, t.errors.offline);
    }
    if (!answer.ok) throw new Problem(answer.status, t.errors.unexpected(answer.status));
  }

  // Every item of a list, up to `most`.
  async all(path, query = {}, most = Infinity, signal = undefined) {
    const items = [];
    let cursor = null;
    do {
      const page = await this.get(path, { ...query, cursor }, signal);
      items.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor && items.length < most);
    return { items, more: cursor !== null };
  }
}

async function fetched(url, request) {
  const token = await idToken();
  try {
    return await fetch(url, { ...request, headers: { ...request.headers, Authorization: `Bearer ${token}` } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, t.errors.offline);
  }
}

async function read(answer) {
  try {
    return answer.status === 204 ? null : await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return null;
  }
}

function problem(answer, body) {
  const detail = body?.detail ?? body?.message ?? t.errors.unexpected(answer.status);
  const retryAfter = Number(answer.headers.get("Retry-After"));
  return new Problem(answer.status, detail, body?.errors ?? [], retryAfter || null);
}
