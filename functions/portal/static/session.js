// Who is signed in: authorization code with PKCE at the hosted page, tokens in this tab only.

import { askToSignInAgain } from "./sign-in-again.js";

const KEY = "session";
const PENDING = "signing-in";
const CHANNEL = "signed-in";
const IN_A_WINDOW = "window.";
const EARLY_S = 60;

let config = null;
let tokens = null;
let renewing = null;

export function pageUrl() {
  return `${location.origin}${location.pathname}`;
}

// The session of this tab; null if nobody is signed in. Ends the round trip to the sign-in page.
export async function begin(loaded) {
  config = loaded;
  const answer = new URLSearchParams(location.search);
  if (answer.has("state")) {
    if (answer.get("state").startsWith(IN_A_WINDOW)) {
      // We are the window that somebody signed in again with: the tab that opened us does the rest.
      new BroadcastChannel(CHANNEL).postMessage({ code: answer.get("code"), state: answer.get("state") });
      window.close();
      return null;
    }
    await comeBack(answer);
  }
  tokens ??= JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  return tokens && account();
}

export function account() {
  const claims = claimsOf(tokens.id_token);
  return {
    email: claims.email ?? "",
    role: claims["custom:role"] ?? null,
    district: claims["custom:district_id"] ?? null,
  };
}

export async function signIn() {
  const { url, pending } = await authorization("");
  sessionStorage.setItem(PENDING, JSON.stringify({ ...pending, hash: location.hash }));
  location.assign(url);
}

export function signOut() {
  sessionStorage.clear();
  const url = new URL("logout", hostedPage());
  url.search = new URLSearchParams({ client_id: config.client_id, logout_uri: pageUrl() });
  location.assign(url);
}

// A token for the API; asks to sign in again, without leaving the page, if there is no other way.
export async function idToken() {
  const expires = claimsOf(tokens.id_token).exp;
  if (Date.now() / 1000 > expires - EARLY_S) await renew();
  return tokens.id_token;
}

export function renew() {
  renewing ??= renewOnce().finally(() => {
    renewing = null;
  });
  return renewing;
}

async function renewOnce() {
  if (tokens.refresh_token && (await refreshed())) return;
  await askToSignInAgain(account().email, signInInAWindow);
}

async function refreshed() {
  try {
    await exchange({ grant_type: "refresh_token", refresh_token: tokens.refresh_token });
    return true;
  } catch {
    return false;
  }
}

// Resolves once somebody has signed in, in a window of its own.
async function signInInAWindow(signal) {
  const before = account();
  // At once, for a browser opens no window some time after the click.
  const opened = window.open("about:blank", "_blank", "popup,width=520,height=720");
  if (!opened) throw new Error("The browser opens no window.");
  const { url, pending } = await authorization(IN_A_WINDOW);
  opened.location.replace(url);
  const channel = new BroadcastChannel(CHANNEL);
  try {
    const answer = await new Promise((resolve, reject) => {
      channel.onmessage = ({ data }) => data.state === pending.state && resolve(data);
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    await exchangeCode(answer.code, pending.verifier);
  } finally {
    channel.close();
  }
  // What is on the page is another account's.
  if (account().email !== before.email) location.reload();
}

async function comeBack(answer) {
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  sessionStorage.removeItem(PENDING);
  history.replaceState(null, "", `${pageUrl()}${pending?.hash ?? ""}`);
  if (pending?.state !== answer.get("state") || !answer.has("code")) return;
  await exchangeCode(answer.get("code"), pending.verifier).catch(() => null);
}

function exchangeCode(code, verifier) {
  return exchange({ grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: pageUrl() });
}

async function exchange(parameters) {
  const answer = await fetch(new URL("oauth2/token", hostedPage()), {
    method: "POST",
    body: new URLSearchParams({ client_id: config.client_id, ...parameters }),
  });
  if (!answer.ok) throw new Error(`The sign-in page answered ${answer.status}.`);
  const { id_token, refresh_token } = await answer.json();
  tokens = { id_token, refresh_token: refresh_token ?? tokens?.refresh_token };
  sessionStorage.setItem(KEY, JSON.stringify(tokens));
}

async function authorization(prefix) {
  const pending = { state: prefix + random(), verifier: random() + random() };
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  const url = new URL("oauth2/authorize", hostedPage());
  url.search = new URLSearchParams({
    client_id: config.client_id,
    response_type: "code",
    scope: "openid email",
    redirect_uri: pageUrl(),
    state: pending.state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
  return { url, pending };
}

function hostedPage() {
  return new URL(config.sign_in_url, location.origin);
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

function claimsOf(token) {
  const text = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (character) => character.charCodeAt(0))));
}
