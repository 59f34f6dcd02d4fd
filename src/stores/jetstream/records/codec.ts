/**
 * Records as headers of messages. Each header has a short name, because each batch carries them all.
 * @module
 */
import { type MsgHdrs, headers as newHeaders } from "@nats-io/transport-node";
import { END_REASONS, type EndReason } from "../../../protocol/end-reason.ts";
import type { PathRecord, RecordFields, RecordType } from "./record.ts";

const TYPES: ReadonlySet<string> = new Set(["o", "d", "w", "c", "x", "f"]);

/** The headers of a record. Members that are 0, false or undefined have none. */
export function headersOf(fields: RecordFields): MsgHdrs {
  const headers = newHeaders();
  const { notes, parts } = fields;
  const values: readonly (readonly [string, string | number | boolean | undefined])[] = [
    ["T", fields.type],
    ["Off", fields.offset],
    ["P", fields.predecessor],
    ["C", fields.claim],
    ["N", fields.node],
    ["I", fields.id],
    ["G", fields.generation],
    ["F", fields.first],
    ["M", fields.modifiedMs],
    ["R", fields.reason],
    ["E", fields.endedBefore],
    ["K", fields.isKept],
    ["Q", fields.isIncomplete],
    ["Nb", fields.noteBytes],
    ["Nf", fields.isFullNote],
    ["Np", notes && notes.last > 0 ? `${notes.full},${notes.last},${notes.changes}` : undefined],
    ["B", parts && `${parts.id},${parts.partBytes},${parts.bytes}`],
    ["Rs", fields.reservedFor],
    ["V", fields.isProvisional],
  ];
  for (const [name, value] of values) {
    if (value) headers.set(name, value === true ? "1" : String(value));
  }
  return headers;
}

/**
 * Reads a record; undefined for a message that is not a record.
 *
 * @param payloadBytes Bytes of the message's payload.
 */
export function recordOf(headers: MsgHdrs | undefined, seq: number, payloadBytes: number): PathRecord | undefined {
  if (!headers) return undefined;
  const type = headers.get("T");
  const numbers = Object.fromEntries(
    ["Off", "P", "C", "F", "M", "Nb"].map((name) => [name, numberIn(headers.get(name))]),
  );
  const { Off: offset, P: predecessor, C: claim, F: first, M: modifiedMs, Nb: noteBytes } = numbers;
  const notes = triple(headers.get("Np"));
  const parts = partsIn(headers.get("B"));
  const id = headers.get("I");
  if (!TYPES.has(type) || id === "" || notes === "bad" || parts === "bad") return undefined;
  if (offset === undefined || predecessor === undefined || claim === undefined) return undefined;
  if (first === undefined || modifiedMs === undefined || noteBytes === undefined) return undefined;
  if (noteBytes > (parts?.bytes ?? payloadBytes)) return undefined;
  return {
    ...{ type: type as RecordType, offset, predecessor, claim, id, first, modifiedMs, seq, payloadBytes },
    ...{ node: headers.get("N"), generation: headers.get("G") },
    reason: reasonIn(headers.get("R")),
    endedBefore: END_REASONS.find((reason) => reason === headers.get("E")),
    isKept: headers.has("K"),
    isIncomplete: headers.has("Q"),
    isFullNote: headers.has("Nf"),
    noteBytes,
    ...(notes && { notes }),
    parts,
    reservedFor: headers.get("Rs") || undefined,
    isProvisional: headers.has("V"),
  };
}

function reasonIn(text: string): EndReason | undefined {
  return text === "restarting" ? text : END_REASONS.find((reason) => reason === text);
}

/** The whole number in a header, 0 if the header is missing; undefined if it is not a whole number. */
function numberIn(text: string): number | undefined {
  if (text === "") return 0;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

function triple(text: string): PathRecord["notes"] | "bad" {
  if (text === "") return undefined;
  const [full, last, changes, ...more] = text.split(",").map(numberIn);
  if (full === undefined || last === undefined || changes === undefined || more.length > 0) return "bad";
  return { full, last, changes };
}

function partsIn(text: string): PathRecord["parts"] | "bad" {
  if (text === "") return undefined;
  const [id = "", ...numbers] = text.split(",");
  const [partBytes, bytes, ...more] = numbers.map(numberIn);
  if (!/^[\w-]+$/.test(id) || !partBytes || !bytes || more.length > 0) return "bad";
  return { id, partBytes, bytes };
}
