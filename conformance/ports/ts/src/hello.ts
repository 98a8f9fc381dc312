import type { DeclaredProfile, Hello } from "@tensorwire/conformance/protocol";
import { version } from "../package.json";
import { CODECS, MAX_FRAME_LENGTH } from "./codec.ts";

const declared: DeclaredProfile = { roles: ["decode", "encode"], max_frame_length: String(MAX_FRAME_LENGTH) };

export const hello = (token = ""): Hello => ({
  op: "hello",
  protocol: 1,
  token,
  iut: { name: "tensorwire-reference", version, language: "typescript" },
  profiles: Object.fromEntries([...CODECS.keys()].map((profile) => [profile, declared])),
  capabilities: [],
  error_granularity: "class",
});
