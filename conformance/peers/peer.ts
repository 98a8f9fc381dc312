import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";

/** A way in which a peer is known to leave the specification. `want` and `got` are the words of the first events that differ. */
export interface Difference {
  /**
   * An event's name, an error's class or stage, `nothing` or `errored`; `*` stands for anything. An empty message is wanted as `empty
   * message`; a message that was to come later is a `later message`.
   */
  readonly want: string;
  readonly got: string;
  /** Of case ids; default all. */
  readonly cases?: string;
  readonly reason: string;
}

/** `peer.json`: how a peer is built and started, and what it is known to do. */
export interface Manifest {
  /** What of the library is put to the test. */
  readonly about: string;
  /** Programs that the build and the start need. */
  readonly needs: readonly string[];
  /** Run in the peer's folder, for its `build/`. Absent: nothing to build. */
  readonly build?: string;
  /** Folders beside the peer's own that the build reads. */
  readonly sources?: readonly string[];
  /** Run in the peer's folder. */
  readonly launch: string;
  readonly differences: readonly Difference[];
}

export interface Peer extends Manifest {
  readonly name: string;
  readonly folder: string;
}

const text = { type: "string", minLength: 1 } as const;
const texts = { type: "array", items: text } as const;

const validate = new Ajv2020({ allErrors: true }).compile<Manifest>({
  type: "object",
  required: ["about", "needs", "launch", "differences"],
  properties: {
    about: text,
    needs: texts,
    build: text,
    sources: texts,
    launch: text,
    differences: {
      type: "array",
      items: {
        type: "object",
        required: ["want", "got", "reason"],
        properties: { want: text, got: text, cases: text, reason: text },
        additionalProperties: false,
      },
    },
  },
  additionalProperties: false,
});

export function readPeer(name: string): Peer {
  const folder = join(import.meta.dir, name);
  const manifest: unknown = JSON.parse(readFileSync(join(folder, "peer.json"), "utf8"));
  if (!validate(manifest)) {
    const [first] = validate.errors ?? [];
    throw new Error(`${name}/peer.json${first?.instancePath ?? ""}: ${first?.message ?? "does not fit its schema"}`);
  }
  return { ...manifest, name, folder };
}

/** Of a random frame a peer may decline one and take the next: the baseline needs the same frames every time. */
export const SEED = "peers";

/** Every folder beside this file that has a `peer.json`. */
export function peerNames(): string[] {
  return readdirSync(import.meta.dir)
    .filter((name) => existsSync(join(import.meta.dir, name, "peer.json")))
    .sort();
}
