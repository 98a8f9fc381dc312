import type { ProfileFile } from "../corpus/vector-file.ts";
import { declared, isFramed, payloadOf, rewrite } from "./frames.ts";
import { type Connection, lengthOf, type Scenario, type Unit } from "./scenario.ts";

/**
 * Scenarios that are a step smaller, the boldest first: fewer connections, messages and reads, shorter payloads, lower limits.
 * Each has an expectation that follows from its streams, so none needs the reference. Where other outcomes are allowed too, all of
 * them get smaller alike, and payloads stay what they are.
 */
export function* smaller(scenario: Scenario, profile: Pick<ProfileFile, "fields">): Iterable<Scenario> {
  const { connections, about, alternatives } = scenario;
  // A receiver with a memory says something else of the next message once one is missing.
  const free = !about.profile.endsWith("-session");
  const others = alternatives.map((other) => fewerParts(other.connections, free)[Symbol.iterator]());
  for (const fewer of fewerParts(connections, free)) {
    const changed = others.map((other, i) => ({ ...alternatives[i]!, connections: other.next().value! }));
    yield { ...scenario, connections: fewer, alternatives: changed };
  }
  if (!isFramed(profile) || alternatives.length > 0) return;
  for (const [i, connection] of connections.entries()) {
    for (const shorter of shorterUnits(connection, profile)) {
      yield { ...scenario, connections: connections.with(i, shorter) };
    }
  }
  yield* lowerLimit(scenario, profile);
}

/** What follows from the places of messages and reads alone, whatever the events are. */
function* fewerParts(connections: readonly Connection[], free: boolean): Iterable<readonly Connection[]> {
  if (connections.length > 1) for (const i of connections.keys()) yield without(connections, i, 1);
  for (const [i, connection] of connections.entries()) {
    const put = (changed: Connection) => connections.with(i, changed);
    if (free) for (const fewer of fewerUnits(connection)) yield put(fewer);
    for (const cuts of fewer(connection.cuts)) yield put({ ...connection, cuts });
    for (const empties of fewer(connection.empties)) yield put({ ...connection, empties });
  }
}

function without<T>(list: readonly T[], from: number, count: number): T[] {
  return [...list.slice(0, from), ...list.slice(from + count)];
}

/** The list without runs of its elements: all, halves, quarters, one by one. */
function* fewer<T>(list: readonly T[]): Iterable<readonly T[]> {
  for (let size = list.length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < list.length; from += size) yield without(list, from, size);
  }
}

function* fewerUnits(connection: Connection): Iterable<Connection> {
  const { units } = connection;
  for (let size = Math.max(1, units.length >> 1); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < units.length; from += size) {
      if (units.length - size < 1) continue;
      let changed = connection;
      for (let at = Math.min(from + size, units.length) - 1; at >= from; at--)
        changed = replaced(changed, at, undefined);
      yield changed;
    }
  }
}

/** The connection with one unit changed or left out; places in the reads move with it. */
function replaced(connection: Connection, index: number, unit: Unit | undefined): Connection {
  const { units, cuts, empties } = connection;
  const start = units.slice(0, index).reduce((sum, each) => sum + lengthOf(each), 0);
  const old = units[index] === undefined ? 0 : lengthOf(units[index]);
  const size = unit === undefined ? 0 : lengthOf(unit);
  const total = units.reduce((sum, each) => sum + lengthOf(each), 0) - old + size;
  const move = (at: number) => (at >= start + old ? at - old + size : Math.min(at, start + size));
  const places = (list: readonly number[]) => [...new Set(list.map(move))];
  return {
    ...connection,
    units: unit === undefined ? without(units, index, 1) : units.with(index, unit),
    cuts: places(cuts).filter((at) => at > 0 && at < total),
    empties: places(empties),
  };
}

function* shorterUnits(connection: Connection, profile: Pick<ProfileFile, "fields">): Iterable<Connection> {
  for (const [index, unit] of connection.units.entries()) {
    const length = declared(unit, profile);
    if (length === undefined) continue;
    const payload = payloadOf(unit);
    const cut = length - BigInt(payload.length);
    for (const size of [0, 1, payload.length >> 1, payload.length - 1]) {
      if (size < 0 || size >= payload.length) continue;
      // A whole message stays whole, one that was cut short still lacks a byte or more.
      const missing = unit.event === undefined ? 1n : cut;
      if (unit.event?.event.event === "error")
        yield replaced(connection, index, rewrite(unit, payload.subarray(0, size), length));
      else yield replaced(connection, index, rewrite(unit, payload.subarray(0, size), BigInt(size) + missing));
    }
  }
}

/** The limit down to what the accepted messages need, and refused lengths down to one above it. */
function* lowerLimit(scenario: Scenario, profile: Pick<ProfileFile, "fields">): Iterable<Scenario> {
  const limit = scenario.limits.max_frame_length;
  if (limit === undefined) return;
  const refused = (unit: Unit) => unit.event?.event.event === "error" && unit.event.event.class === "oversize.declared";
  const units = scenario.connections.flatMap((connection) => connection.units);
  let needed = 1n;
  for (const unit of units) {
    const length = refused(unit) ? 0n : (declared(unit, profile) ?? 0n);
    if (length > needed) needed = length;
  }
  if (needed < BigInt(limit)) yield { ...scenario, limits: { ...scenario.limits, max_frame_length: String(needed) } };
  const above = BigInt(limit) + 1n;
  for (const [i, connection] of scenario.connections.entries()) {
    for (const [index, unit] of connection.units.entries()) {
      if (!refused(unit) || (declared(unit, profile) ?? 0n) <= above) continue;
      const changed = replaced(connection, index, rewrite(unit, payloadOf(unit), above));
      yield { ...scenario, connections: scenario.connections.with(i, changed) };
    }
  }
}
