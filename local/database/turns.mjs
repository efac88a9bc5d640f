const READY = Buffer.from('Z\0\0\0\x05', 'latin1'); // followed by a byte for the state of the transaction

/**
 * Shares PGlite's one session among the connections: first come, first served, one batch of messages at a time.
 *
 * A connection keeps its turn while it is in a transaction, and until it has sent the Sync that ends its batch.
 */
export class Turns {
  #database;
  #idleLimit;
  #waiting = [];
  #holder = null;
  #timer = null;
  #running = false;
  #stopped = false;

  /** `idleLimit`: milliseconds without a message after which a connection in a transaction is closed. */
  constructor(database, { idleLimit }) {
    this.#database = database;
    this.#idleLimit = idleLimit;
  }

  /** Queue a connection that has a batch to run. */
  request(connection) {
    if (connection !== this.#holder && !this.#waiting.includes(connection)) this.#waiting.push(connection);
    this.#run();
  }

  /** Remove a connection from the queue. */
  withdraw(connection) {
    this.#waiting = this.#waiting.filter((other) => other !== connection);
  }

  isHeldBy(connection) {
    return this.#holder === connection;
  }

  /** Let the running batch finish, and start no other. */
  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    for (let next = this.#next(); next; next = this.#next()) await this.#serve(next);
    this.#running = false;
  }

  #next() {
    if (this.#stopped) return null;
    if (!this.#holder) return this.#waiting.shift();
    return this.#holder.hasBatch ? this.#holder : null;
  }

  async #serve(connection) {
    clearTimeout(this.#timer);
    this.#holder = connection;
    const batch = connection.takeBatch();
    await this.#execute(batch, (bytes) => connection.send(bytes));
    if (batch.isOpen || this.#database.isInTransaction()) {
      this.#timer = setTimeout(() => connection.expel(), this.#idleLimit);
    } else {
      this.#holder = null;
      if (connection.hasBatch) this.#waiting.push(connection);
    }
  }

  async #execute(batch, send) {
    let end = Buffer.alloc(0);
    const onRawData = (bytes) => {
      // The bytes are a view of WebAssembly's memory, which the next call overwrites.
      send(Buffer.from(bytes));
      end = Buffer.concat([end, bytes.subarray(-READY.length - 1)]).subarray(-READY.length - 1);
    };
    await this.#database.runExclusive(() => this.#database.execProtocolRawStream(batch.bytes, { onRawData }));
    // PGlite ignores unexpected messages, and its state is unknown then. Only a new process restores a known state.
    if (!batch.isOpen && !end.subarray(0, -1).equals(READY)) throw new Error('PGlite stopped within a statement');
  }
}
