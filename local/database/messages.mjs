// The messages of PostgreSQL's frontend/backend protocol 3.0.

const MAX_STARTUP_BYTES = 10_000;
const MAX_MESSAGE_BYTES = 1 << 30;

export const PROTOCOL_3 = 3;
export const CANCEL_REQUEST = 80877102;
export const SSL_REQUEST = 80877103;
export const GSSENC_REQUEST = 80877104;

export class ProtocolError extends Error {}

/** Splits a stream of bytes into messages. Messages before the session begins have a length but no type. */
export class MessageReader {
  #chunks = [];
  #size = 0;
  #needed = 4;
  #typed = false;

  /** From now on, messages have a type. Call this while `push` yields the startup message. */
  sessionBegins() {
    this.#typed = true;
  }

  *push(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    // Joining the chunks only when a message is complete keeps the time for a large message linear.
    if (this.#size < this.#needed) return;
    let rest = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    for (;;) {
      this.#needed = this.#lengthOf(rest);
      if (rest.length < this.#needed) break;
      const message = rest.subarray(0, this.#needed);
      rest = rest.subarray(this.#needed);
      yield message;
    }
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
  }

  #lengthOf(bytes) {
    const header = this.#typed ? 1 : 0;
    if (bytes.length < header + 4) return header + 4;
    const length = bytes.readInt32BE(header);
    const [least, most] = this.#typed ? [4, MAX_MESSAGE_BYTES] : [8, MAX_STARTUP_BYTES];
    if (length < least || length > most) throw new ProtocolError(`invalid message length ${length}`);
    return header + length;
  }
}

/** Build a message. */
export function message(type, ...parts) {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(5);
  header.write(type, 'latin1');
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

export const text = (value) => Buffer.from(`${value}\0`);

export const SYNC = message('S');

export const query = (sql) => message('Q', text(sql));

export const fatalError = (code, reason) =>
  message('E', text('SFATAL'), text('VFATAL'), text(`C${code}`), text(`M${reason}`), Buffer.from([0]));

/** The response to a client that asks for a newer minor version: only 3.0 is supported. */
export const negotiateVersion = () => message('v', Buffer.from([0, 3, 0, 0]), Buffer.alloc(4));

export function startupMessage() {
  const body = Buffer.from('user\0postgres\0database\0postgres\0\0');
  const header = Buffer.alloc(8);
  header.writeInt32BE(body.length + 8);
  header.writeInt16BE(PROTOCOL_3, 4);
  return Buffer.concat([header, body]);
}
