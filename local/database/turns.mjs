const READY = Buffer.from('Z\0\0\0\x05', 'latin1'); // and a byte for the transaction's state

/**
 * Gives connections PGlite's one session in turns, first come first served, one batch of messages at a time.
 *
 * A connection keeps its turn while it is in a transaction, or has not yet sent the Sync that ends its batch.
 */
export class Turns {
  #database;
  #idleLimit;
  #waiting = [];
  #holder = null;
  #timer = null;
  #running = false;
  #stopped = false;

  /** `idleLimit`: after how many ms without a message a connection in a transaction is expelled. */
  constructor(database, { idleLimit }) {
    this.#database = database;
    this.#idleLimit = idleLimit;
  }

  /** A connection has a batch to run. */
  request(connection) {
    if (connection !== this.#holder && !this.#waiting.includes(connection)) this.#waiting.push(connection);
    this.#run();
  }

  /** A connection has nothing more to run. */
  withdraw(connection) {
    this.#waiting = this.#waiting.filter((other) => other !== connection);
  }

  isHeldBy(connection) {
    return this.#holder === connection;
  }

  /** Let the batch that runs come to its end, and begin no other. */
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
    // PGlite swallows what it does not expect. Only a new process brings it back to a state that is known.
    if (!batch.isOpen && !end.subarray(0, -1).equals(READY)) throw new Error('PGlite broke off within a statement');
  }
}
