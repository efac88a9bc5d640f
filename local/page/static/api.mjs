// Calls the service's routes as the chosen development user.

import { readEvents } from "./sse.mjs";

/** A failed request; the message is shown to the user. */
export class ApiError extends Error {}

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

  async list(offset, limit, includeArchived) {
    const query = new URLSearchParams({ offset, limit, include_archived: includeArchived });
    return (await this.request("GET", `/conversations?${query}`)).json();
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

  /** Ask a question and yield the events of the answer. */
  async *ask(id, content, signal) {
    const response = await this.request("POST", `/conversations/${id}/messages`, { body: { content }, signal });
    try {
      yield* readEvents(response.body);
    } catch (error) {
      if (signal.aborted) throw error;
      throw new ApiError("The connection to the assistant was lost.", { cause: error });
    }
  }

  /** Ask the service to stop the answer. A failure is ignored: closing the connection stops it too. */
  async stop(id) {
    const options = { method: "POST", headers: { Authorization: `Bearer ${this.token}` } };
    await fetch(`${this.prefix}/conversations/${id}/stop`, options).catch(() => {});
  }

  async request(method, path, { body, signal } = {}) {
    const isFresh = this.token === null;
    if (isFresh) this.token = await this.newToken();
    const headers = { Authorization: `Bearer ${this.token}` };
    if (body) headers["Content-Type"] = "application/json";
    const response = await reach(this.prefix + path, { method, headers, signal, body: body && JSON.stringify(body) });
    if (response.status === 401 && !isFresh) {
      // The token has expired since it was issued.
      this.token = null;
      return this.request(method, path, { body, signal });
    }
    return checked(response);
  }

  async newToken() {
    const response = await checked(await reach(`/_page/token?${new URLSearchParams({ user: this.user })}`));
    return (await response.json()).token;
  }
}

async function reach(path, options = {}) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError("The assistant cannot be reached. Check that it is still running.", { cause: error });
  }
}

async function checked(response) {
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const isText = typeof problem.detail === "string";
  throw new ApiError(isText ? problem.detail : `The service refused the request with status ${response.status}.`);
}
