import { type DeclaredProfile, type Hello, PROBES } from "@tensorwire/conformance/protocol";
import { version } from "../package.json";
import { CODECS, type Codec, MAX_FRAME_LENGTH } from "./codec.ts";

const declare = ({ encoder }: Codec): DeclaredProfile => ({
  roles: encoder === undefined ? ["decode"] : ["decode", "encode"],
  max_frame_length: String(MAX_FRAME_LENGTH),
});

export const hello = (token = "", capabilities: readonly string[] = ["wire", "ranks", ...PROBES]): Hello => ({
  op: "hello",
  protocol: 1,
  token,
  iut: { name: "tensorwire-reference", version, language: "typescript" },
  profiles: Object.fromEntries([...CODECS].map(([profile, codec]) => [profile, declare(codec)])),
  capabilities,
  error_granularity: "class",
});
