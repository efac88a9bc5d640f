// Calls the service's routes as the chosen development user.

const HEAD_MILLISECONDS = 20_000;

/** A failed request; the message is shown to the user. */
export class ApiError extends Error {
  constructor(message, { status = 0, retryable = true, ...options } = {}) {
    super(message, options);
    this.status = status;
    this.retryable = retryable;
  }

  get isUnreachable() {
    return this.status === 0 || this.status >= 500;
  }
}

/** Fetch the page's configuration. */
export async function fetchConfig() {
  return (await checked(await reach("/_page/config"))).json();
}

/** A client of the service for one user. */
export class Api {
  constructor(prefix, user) {
    this.prefix = prefix;
    this.user = user;
    this.token = null;
  }

  async list({ offset = 0, limit, includeArchived, query }) {
    const asked = new URLSearchParams({ offset, limit, include_archived: includeArchived });
    if (query) asked.set("q", query);
    return (await this.request("GET", `/conversations?${asked}`)).json();
  }

  async create() {
    return (await this.request("POST", "/conversations")).json();
  }

  async get(id) {
    return (await this.request("GET", `/conversations/${encodeURIComponent(id)}`)).json();
  }

  async update(id, changes) {
    return (await this.request("PATCH", `/conversations/${id}`, { body: changes })).json();
  }

  async remove(id) {
    await this.request("DELETE", `/conversations/${id}`);
  }

  /** Ask a question; the answer goes on if this page goes away. */
  async ask(id, { content, replaces, key }, signal) {
    const headers = { Prefer: "keep-running", "Idempotency-Key": key };
    const body = replaces ? { content, replaces } : { content };
    return this.request("POST", `/conversations/${id}/messages`, { body, headers, signal });
  }

  /** Approve or reject parked calls; resolves to the answer that goes on. */
  async decide(id, approvalId, decision, signal) {
    const path = `/conversations/${id}/approvals/${encodeURIComponent(approvalId)}`;
    return this.request("POST", path, { body: { decision }, headers: { Prefer: "keep-running" }, signal });
  }

  /** Join the running answer after an event; resolves to null if none is running. */
  async rejoin(id, lastId, signal) {
    const headers = lastId === null ? {} : { "Last-Event-ID": lastId };
    const response = await this.request("GET", `/conversations/${id}/stream`, { headers, signal });
    return response.status === 204 ? null : response;
  }

  async stop(id) {
    await this.request("POST", `/conversations/${id}/stop`);
  }

  /** Rate an answer with 1 or -1; null withdraws the rating. */
  async rate(id, messageId, rating, comment = "") {
    const path = `/conversations/${id}/messages/${encodeURIComponent(messageId)}/feedback`;
    if (rating === null) await this.request("DELETE", path);
    else await this.request("PUT", path, { body: { rating, comment } });
  }

  async export(id, format) {
    return (await this.request("GET", `/conversations/${id}/export?format=${format}`)).blob();
  }

  async request(method, path, { body, headers = {}, signal } = {}) {
    const isFresh = this.token === null;
    if (isFresh) this.token = await this.newToken();
    const sent = { ...headers, Authorization: `Bearer ${this.token}` };
    if (body) sent["Content-Type"] = "application/json";
    const response = await reach(this.prefix + path, { method, headers: sent, signal, body: body && JSON.stringify(body) });
    if (response.status === 401 && !isFresh) {
      // The token has expired since it was issued.
      this.token = null;
      return this.request(method, path, { body, headers, signal });
    }
    return checked(response);
  }

  async newToken() {
    const response = await checked(await reach(`/_page/token?${new URLSearchParams({ user: this.user })}`));
    return (await response.json()).token;
  }
}

/** Send a request. After a sleep, a connection may be dead without a sign, so the response's head has a time limit. */
async function reach(path, { signal, ...options } = {}) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), HEAD_MILLISECONDS);
  try {
    return await fetch(path, { ...options, signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("The assistant cannot be reached. Check that it is still running.", { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function checked(response) {
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const isText = typeof problem.detail === "string";
  const message = isText ? problem.detail : `The service refused the request with status ${response.status}.`;
  const { status } = response;
  throw new ApiError(message, { status, retryable: status >= 500 || status === 409 || status === 429 });
}
