import type { Json } from "../protocol.ts";
import { bodyOf, type Content, shownContent } from "./contents.ts";
import { type Ids, shownHeader } from "./header.ts";
import { BODY, bigEndian, PREFIX, type Writer } from "./writer.ts";

export const partsOf = ({ parts, tensors }: Content) => parts ?? tensors.map(({ bytes }) => bytes);

/** One len64 frame with one untyped multipart message. r[tp.infer.payload] `behind`: bytes that the frame has behind its records. */
export function putFrame(writer: Writer, content: Content, behind: Uint8Array = new Uint8Array()): Writer {
  const records = [bodyOf(content), ...partsOf(content)];
  const whole = records.reduce((sum, { length }) => sum + 8 + length, behind.length);
  writer.put("length", bigEndian(whole, 8), PREFIX);
  for (const [i, record] of records.entries()) {
    writer.put("record_length", bigEndian(record.length, 8), BODY);
    writer.put(i === 0 ? content.field : "tensor", record, BODY);
  }
  return writer.put("record_length", behind, BODY);
}

/** The message of a frame, and of the header before it. */
export function messageOf(content: Content, ids?: Ids): Json {
  const header = ids && { header: shownHeader(ids, "INFER") };
  const tensors = partsOf(content).map((bytes) => bytes.toHex());
  const shown = shownContent(content);
  return content.field === "manifest" ? { ...header, manifest: shown, tensors } : { ...header, ...shown, tensors };
}
