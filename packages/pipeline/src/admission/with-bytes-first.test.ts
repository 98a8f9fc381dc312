import { expect, test } from "bun:test";
import { memoryPair } from "@tensorwire/transport";
import { rejection } from "../testing.ts";
import { withBytesFirst } from "./with-bytes-first.ts";

test.each(["close", "abort"] as const)("%s on this side throws the first bytes away too", async (act) => {
  const [near, far] = memoryPair();
  const connection = withBytesFirst(far, Uint8Array.of(1, 2));
  void connection[act]();
  const plain = memoryPair()[0];
  void plain[act]();
  const { code } = (await rejection(plain.read())) as { code: string };
  expect(await rejection(connection.read())).toMatchObject({ code });
  near.abort();
});
