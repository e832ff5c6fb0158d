// The administration API (/api/v1), with the token that somebody entered. It is kept for as long as the tab lives.

const API = import.meta.url.replace(/\/static\/.*/, "/api/v1/"); // also where the server lies below a prefix
const KEY = "ciranda.status.token";
const TOKEN_CODES = new Set(["token_required", "invalid_token", "token_expired"]);

export class ApiError extends Error {
  constructor(status, { code = "unknown", message = "" }, hadToken) {
    super(message || `HTTP ${status}`);
    this.code = code;
    this.wantsToken = TOKEN_CODES.has(code) || status === 401 || (status === 403 && hadToken);
  }
}

export class Api {
  get token() {
    return sessionStorage.getItem(KEY) ?? "";
  }

  set token(token) {
    sessionStorage.setItem(KEY, token);
  }

  server() {
    return this.#get("status");
  }

  async rooms() {
    return (await this.#get("rooms")).rooms;
  }

  room(name) {
    return this.#get(`rooms/${encodeURIComponent(name)}`);
  }

  async #get(path) {
    const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
    const response = await fetch(API + path, { headers, cache: "no-store" });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new ApiError(response.status, answer, Boolean(this.token));
    return answer;
  }
}
