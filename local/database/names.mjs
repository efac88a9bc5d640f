// All connections share one PGlite session, so the names of a connection's prepared statements get the connection's
// prefix. Portals need no prefix: they end with their transaction, in which no other connection takes part.

import { message, query, text } from './messages.mjs';

const DEALLOCATE_ALL = /^\s*(?:DEALLOCATE(?:\s+PREPARE)?|DISCARD)\s+ALL\s*;?\s*$/i;
const DEALLOCATE = /^\s*DEALLOCATE(?:\s+PREPARE)?\s+(?:"([^"]+)"|([a-z_][\w$]*))\s*;?\s*$/i;
const COPY_IN = /^\s*COPY\b[^;]*\bFROM\s+STDIN\b/i;

const NO_COPY_IN = `DO $$ BEGIN RAISE feature_not_supported
  USING MESSAGE = 'COPY FROM STDIN is not available in the embedded database'; END $$`;

/** Return the SQL that drops all prepared statements whose names begin with the prefix. */
export const deallocateAll = (prefix) => `DO $$ DECLARE statement text; BEGIN
  FOR statement IN SELECT name FROM pg_prepared_statements WHERE starts_with(name, '${prefix}')
  LOOP EXECUTE format('DEALLOCATE %I', statement); END LOOP; END $$`;

/** Add the prefix to the names of statements in a message. */
export function withPrefix(original, prefix) {
  switch (String.fromCharCode(original[0])) {
    case 'Q':
      return rewriteQuery(original, prefix);
    case 'P':
      return rewriteParse(original, prefix);
    case 'B':
      return insertAt(original, original.indexOf(0, 5) + 1, prefix);
    case 'C':
    case 'D':
      return original[5] === 0x53 /* S: a statement, not a portal */ ? insertAt(original, 6, prefix) : original;
    default:
      return original;
  }
}

function insertAt(original, offset, prefix) {
  if (original[offset] === 0) return original; // the unnamed statement ends with the batch
  return message(typeOf(original), original.subarray(5, offset), Buffer.from(prefix), original.subarray(offset));
}

function rewriteParse(original, prefix) {
  const sqlAt = original.indexOf(0, 5) + 1;
  const endsAt = original.indexOf(0, sqlAt);
  const sql = original.toString('utf8', sqlAt, endsAt);
  const rewritten = rewriteSql(sql, prefix);
  if (rewritten === sql) return insertAt(original, 5, prefix);
  const replaced = message('P', original.subarray(5, sqlAt), text(rewritten), original.subarray(endsAt + 1));
  return insertAt(replaced, 5, prefix);
}

function rewriteQuery(original, prefix) {
  const sql = original.toString('utf8', 5, original.length - 1);
  const rewritten = rewriteSql(sql, prefix);
  return rewritten === sql ? original : query(rewritten);
}

function rewriteSql(sql, prefix) {
  // The settings belong to all connections, so DISCARD ALL drops only the connection's own statements.
  if (DEALLOCATE_ALL.test(sql)) return deallocateAll(prefix);
  // PGlite exits when it waits for data that are not there.
  if (COPY_IN.test(sql)) return NO_COPY_IN;
  const [, quoted, plain] = DEALLOCATE.exec(sql) ?? [];
  const name = quoted ?? plain?.toLowerCase();
  return name === undefined ? sql : `DEALLOCATE "${prefix}${name}"`;
}

const typeOf = (bytes) => String.fromCharCode(bytes[0]);
