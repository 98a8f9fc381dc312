import { createHash } from "node:crypto";
import type { Model } from "./model.ts";

/** SHA-256 of the file that holds the weights, 32 bytes. The file is streamed: about a second for a gigabyte. */
export async function weightsDigest({ file }: Model): Promise<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of Bun.file(file.path).stream()) hash.update(chunk);
  return new Uint8Array(hash.digest());
}
