import { parseArgs } from "node:util";
import { FRAMING_PROFILES, FrameDecoder, FrameEncoder, type FramingProfile } from "@tensorwire/framing";
import { formatAddress, listen } from "@tensorwire/transport";

export interface EchoOptions {
  readonly profile: FramingProfile;
  /** Largest payload; a longer one is refused. */
  readonly maxFrameLength: number;
}

/** An endpoint of level 0: sends every message back as it encodes it, and closes what it refuses. */
export async function serveEcho(address: string, { profile, maxFrameLength }: EchoOptions) {
  return listen(address, {
    onConnection: async (connection) => {
      const decoder = new FrameDecoder(profile, { maxFrameLength });
      const encoder = new FrameEncoder(profile, { maxFrameLength });
      for (let chunk = await connection.read(); chunk !== null; chunk = await connection.read()) {
        const batch = decoder.push(chunk);
        for (let i = 0; i < batch.count; i++) await connection.write(encoder.encode(batch.copy(i), batch.lead(i)));
        if (batch.error !== null) break;
      }
      await connection.close();
    },
  });
}

const USAGE = "usage: echo.ts PROFILE [--listen tcp://HOST:PORT | unix:PATH] [--limit BYTES]\n";

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: {
      listen: { type: "string", default: "tcp://127.0.0.1:0" },
      limit: { type: "string", default: "1024" },
    },
    allowPositionals: true,
  });
  const profile = FRAMING_PROFILES.find((name) => name === positionals[0]);
  if (profile === undefined) {
    process.stderr.write(USAGE);
    process.exit(64);
  }
  const { address } = await serveEcho(values.listen, { profile, maxFrameLength: Number(values.limit) });
  process.stdout.write(`echoing ${profile} on ${formatAddress(address).replace(/^\w+:(\/\/)?/, "")}\n`);
}
