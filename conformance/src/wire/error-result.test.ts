import { expect, test } from "bun:test";
import { takeErrorResult } from "./error-result.ts";
import { Peer, type PeerSocket, WireFailure } from "./peer.ts";
import { Timeline } from "./timeline.ts";

const want = { call_id: "7", chunk_index: "0", cache_epoch: "300" };
/** Version 1, call 7, epoch 300, `ok` false, "oh". */
const BODY = "0801 1007 20ac02 3000 3a026f68".replaceAll(" ", "");

function framed(body: string, ...parts: string[]): Buffer {
  const record = (hex: string) => Buffer.concat([prefix(hex.length / 2), Buffer.from(hex, "hex")]);
  const payload = Buffer.concat([body, ...parts].map(record));
  return Buffer.concat([prefix(payload.length), payload]);
}

function prefix(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

/** What has come on a connection that the other side has ended. */
function peerWith(bytes: Uint8Array): Peer {
  const peer = new Peer("a", {} as PeerSocket, new Timeline());
  peer.onData(bytes);
  peer.onEnd();
  return peer;
}

test("r[pp.result.exactly-one]: an error result is taken by its ids, whatever it says, and no byte more", async () => {
  const peer = peerWith(Buffer.concat([framed(BODY), Buffer.from("ff", "hex")]));
  await takeErrorResult(peer, want, 100);
  expect(peer.waiting).toBe(1);
  await takeErrorResult(peerWith(framed(`${BODY}59000000000000f03f 7d00000000`.replaceAll(" ", ""))), want, 100);
});

test("what is none is named", async () => {
  const wrong: readonly (readonly [Uint8Array, RegExp])[] = [
    [Buffer.alloc(0), /0 bytes came, and the end/],
    [framed(BODY).subarray(0, 20), /12 of its 21 bytes came, and the end/],
    [prefix(1 << 21), /a frame of 2097152 bytes/],
    [prefix(3 + 1), /0 of its 4 bytes/],
    [framed(BODY, "00"), /is no body without tensors/],
    [framed("0801ff"), /is no protobuf message/],
    [framed(BODY.replace("0801", "0802")), /version 2 came/],
    [framed(BODY.replace("1007", "1008")), /call_id 8 came, not 7/],
    [framed(BODY.replace("20ac02", "20ad02")), /cache_epoch 301 came, not 300/],
    [framed(BODY.replace("1007", "10071801")), /chunk_index 1 came, not 0/],
    [framed(BODY.replace("3000", "3001")), /an ok result came/],
    [framed(BODY.replace("3000", "")), /an ok result came/],
    [framed(`${BODY}2a00`), /a tensor_spec came, and no tensor/],
    [framed(BODY.replace("3a026f68", "")), /error_message is empty/],
  ];
  for (const [bytes, says] of wrong) {
    const error = await takeErrorResult(peerWith(bytes), want, 100).catch((why: unknown) => why);
    expect(error).toBeInstanceOf(WireFailure);
    expect((error as Error).message).toMatch(says);
  }
});
