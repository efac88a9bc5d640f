import {
  CANCEL_REQUEST,
  fatalError,
  GSSENC_REQUEST,
  MessageReader,
  negotiateVersion,
  PROTOCOL_3,
  ProtocolError,
  query,
  SSL_REQUEST,
  SYNC,
} from './messages.mjs';
import { deallocateAll, withPrefix } from './names.mjs';

const [FLUSH, TERMINATE] = [0x48, 0x58];
const ENDS_BATCH = new Set(Buffer.from('SQHF'));
// PGlite hangs on a message type that PostgreSQL does not know.
const KNOWN_TYPES = new Set(Buffer.from('BCDEFHPQSXcdf'));

/** The connection of a client. It collects messages into batches; a batch ends with a message that needs a response. */
export class Connection {
  #socket;
  #turns;
  #greeting;
  #prefix;
  #reader = new MessageReader();
  #gathered = [];
  #batches = [];
  #begun = false;

  /** `greeting`: the database's response to a startup message. */
  constructor(socket, { id, turns, greeting }) {
    this.#socket = socket;
    this.#turns = turns;
    this.#greeting = greeting;
    this.#prefix = `c${id}:`;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.#leave());
  }

  get hasBatch() {
    return this.#batches.length > 0;
  }

  takeBatch() {
    return this.#batches.shift();
  }

  send(bytes) {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  /** Close the connection of a client that holds a transaction and sends nothing. */
  expel() {
    this.#refuse('25P03', 'terminating connection due to idle-in-transaction timeout');
  }

  close() {
    this.#socket.destroy();
  }

  #receive(chunk) {
    try {
      for (const message of this.#reader.push(chunk)) {
        if (this.#begun) this.#gather(message);
        else this.#begin(message);
        if (!this.#socket.writable) return;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#refuse('08P01', error.message);
    }
  }

  #begin(message) {
    const code = message.readInt32BE(4);
    if (code === SSL_REQUEST || code === GSSENC_REQUEST) {
      this.send('N');
    } else if (code >> 16 === PROTOCOL_3) {
      this.#begun = true;
      this.#reader.sessionBegins();
      if (code & 0xffff) this.send(negotiateVersion());
      this.send(this.#greeting);
    } else if (code === CANCEL_REQUEST) {
      this.close(); // a statement in WebAssembly cannot be interrupted
    } else {
      throw new ProtocolError(`unsupported protocol ${code >> 16}.${code & 0xffff}`);
    }
  }

  #gather(message) {
    const type = message[0];
    if (!KNOWN_TYPES.has(type)) throw new ProtocolError(`invalid frontend message type ${type}`);
    if (type === TERMINATE) {
      this.#socket.end();
      return;
    }
    // In pipeline mode, libpq sends a Flush after its Sync. It is ignored: the turn that it would start needs a Sync to end.
    if (type === FLUSH && this.#gathered.length === 0) return;
    this.#gathered.push(withPrefix(message, this.#prefix));
    if (!ENDS_BATCH.has(type)) return;
    this.#batches.push({ bytes: Buffer.concat(this.#gathered), isOpen: type === FLUSH });
    this.#gathered = [];
    this.#turns.request(this);
  }

  #refuse(code, reason) {
    this.send(fatalError(code, reason));
    this.#socket.destroySoon();
  }

  #leave() {
    this.#turns.withdraw(this);
    if (!this.#begun) return;
    const farewell = [query(deallocateAll(this.#prefix))];
    if (this.#turns.isHeldBy(this)) farewell.unshift(SYNC, query('ROLLBACK'));
    this.#batches = [{ bytes: Buffer.concat(farewell), isOpen: false }];
    this.#turns.request(this);
  }
}
