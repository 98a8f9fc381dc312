import type { Mutant } from "../mutant.ts";

const SESSION = "packages/tp-control/src/session.ts";
const PP_SESSION = "packages/pp-contract/src/session.ts";

/** The order of ids and epochs. TP and PP sessions share this code. */
export const SESSIONS: readonly Mutant[] = [
  {
    id: "session/call-id-from-zero",
    rules: ["tp-session.call-id.increasing", "pp-session.call-id.increasing"],
    file: SESSION,
    find: "const least = last === null ? 1n : last.call_id + 1n;",
    replace: "const least = last === null ? 0n : last.call_id + 1n;",
    why: "The first call_id may be 0.",
  },
  {
    id: "session/call-id-without-gaps",
    rules: ["tp-session.call-id.increasing", "pp-session.call-id.increasing"],
    file: SESSION,
    find: "if (header.call_id < least) throw",
    replace: "if (last === null ? header.call_id < least : header.call_id !== least) throw",
    why: "A gap between call_ids is refused.",
  },
  {
    id: "session/call-id-unjudged",
    rules: ["tp-session.call-id.increasing", "pp-session.call-id.increasing"],
    file: SESSION,
    find: "if (header.call_id < least) throw",
    replace: "if (header.call_id < 1n) throw",
    why: "A call_id below the last one is accepted.",
  },
  {
    id: "session/duplicate-delivered",
    rules: ["tp-session.call-id.duplicate", "pp-session.call-id.duplicate"],
    file: SESSION,
    find: "this.duplicates++;\n      return false;",
    replace: "this.duplicates++;\n      return true;",
    why: "A duplicate is delivered again.",
  },
  {
    id: "session/duplicate-refused",
    rules: ["tp-session.call-id.duplicate", "pp-session.call-id.duplicate"],
    file: SESSION,
    find: "if (last !== null && header.call_id === last.call_id) {",
    replace: "if (last !== null && header.call_id < 0n) {",
    why: "A duplicate is an error.",
  },
  {
    id: "session/duplicate-counts",
    rules: ["tp-session.call-id.duplicate", "pp-session.call-id.duplicate"],
    file: SESSION,
    find: "this.duplicates++;\n      return false;",
    replace:
      "this.duplicates++;\n      this.#last = { ...last, control_epoch: last.control_epoch + 1n };\n      return false;",
    why: "A duplicate counts as a message of its own.",
  },
  {
    id: "session/duplicate-payload-not-read",
    rules: ["tp-session.call-id.duplicate", "pp-session.call-id.duplicate"],
    file: "packages/tp-control/src/header-decoder.ts",
    find: 'if (header.action === "INFER") {',
    replace: 'if (header.action === "INFER" && admitted) {',
    why: "The payload of a duplicate is read as the next header.",
  },
  {
    id: "session/chunk-index-of-noop-judged",
    rules: ["tp-session.chunk-index.infer-only"],
    file: SESSION,
    find: 'if (action !== "INFER") return;',
    replace: "",
    why: "chunk_index is judged on NOOP and SHUTDOWN too.",
  },
  {
    id: "session/chunk-index-unjudged",
    rules: ["tp-session.chunk-index.infer-only", "pp-session.chunk-index"],
    file: SESSION,
    find: "const least = this.#cut || this.#chunk === null ? 0n : this.#chunk;",
    replace: "const least = 0n;",
    why: "chunk_index may go back within a cache epoch.",
  },
  {
    id: "session/chunk-index-strict",
    rules: ["tp-session.chunk-index.infer-only", "pp-session.chunk-index"],
    file: SESSION,
    find: "const least = this.#cut || this.#chunk === null ? 0n : this.#chunk;",
    replace: "const least = this.#cut || this.#chunk === null ? 0n : this.#chunk + 1n;",
    why: "A chunk_index that repeats is refused.",
  },
  {
    id: "session/chunk-index-kept-over-cut",
    rules: ["tp-session.chunk-index.hard-cut"],
    file: SESSION,
    find: "const least = this.#cut || this.#chunk === null ? 0n : this.#chunk;",
    replace: "const least = this.#chunk === null ? 0n : this.#chunk;",
    why: "chunk_index may not start again after a hard cut.",
  },
  {
    id: "session/cut-forgotten-by-noop",
    rules: ["tp-session.chunk-index.hard-cut"],
    file: SESSION,
    find: "this.#cut ||= grown;",
    replace: "this.#cut = grown;",
    why: "A hard cut is forgotten when a message without payload stands between it and the next INFER.",
  },
  {
    id: "session/control-epoch-may-stay",
    rules: ["tp-session.control-epoch.step", "pp-session.sequence.step"],
    file: SESSION,
    find: "if (control_epoch !== control + 1n) throw",
    replace: "if (control_epoch !== control + 1n && control_epoch !== control) throw",
    why: "control_epoch may stay as it was.",
  },
  {
    id: "session/control-epoch-may-leap",
    rules: ["tp-session.control-epoch.step", "pp-session.sequence.step"],
    file: SESSION,
    find: "if (control_epoch !== control + 1n) throw",
    replace: "if (control_epoch <= control) throw",
    why: "control_epoch may grow by more than one.",
  },
  {
    id: "session/control-epoch-from-zero",
    rules: ["tp-session.control-epoch.step", "pp-session.sequence.step"],
    file: SESSION,
    find: "if (control_epoch < 0n) throw",
    replace: "if (control_epoch < 0n || (this.#last === null && control_epoch !== 0n)) throw",
    why: "The first control_epoch has to be 0.",
  },
  {
    id: "session/cache-epoch-may-leap",
    rules: ["tp-session.cache-epoch.step", "pp-session.cache-epoch.step"],
    file: SESSION,
    find: "const grown = cache_epoch === cache + 1n;",
    replace: "const grown = cache_epoch > cache;",
    why: "cache_epoch may grow by more than one.",
  },
  {
    id: "session/cache-epoch-may-fall",
    rules: ["tp-session.cache-epoch.step", "pp-session.cache-epoch.step"],
    file: SESSION,
    find: "if (!grown && cache_epoch !== cache) {",
    replace: "if (cache_epoch > cache + 1n) {",
    why: "cache_epoch may go back.",
  },
  {
    id: "session/init-unjudged",
    rules: ["tp-session.cache-epoch.init", "pp-session.cache-epoch.init"],
    file: SESSION,
    find: "if (init_cache === this.#initialises) return;",
    replace: "if (init_cache === this.#initialises || blame !== undefined) return;",
    why: "init_cache need not be what cache_epoch says.",
  },
  {
    id: "session/first-infer-needs-no-init",
    rules: ["tp-session.cache-epoch.init", "pp-session.cache-epoch.init"],
    file: SESSION,
    find: "this.#initialises = this.#cut || this.#chunk === null;",
    replace: "this.#initialises = this.#cut;",
    why: "The first INFER of a session is taken for one in the middle of a sequence.",
  },
  {
    id: "session/init-of-video-unjudged",
    rules: ["pp-session.cache-epoch.init"],
    file: PP_SESSION,
    find: "order.checkInit((lm ?? video).init_cache, peerFault(at));",
    replace: "if (lm !== undefined) order.checkInit(lm.init_cache, peerFault(at));",
    why: "A stage judges the init_cache of a language model's step, and not that of a video step.",
  },
  {
    id: "session/video-without-init-refused",
    rules: ["pp-session.cache-epoch.init"],
    file: PP_SESSION,
    find: "order.checkInit((lm ?? video).init_cache, peerFault(at));",
    replace:
      'if (video !== undefined && !video.init_cache) throw peerFault(at)("sequence", "init_cache");\n        order.checkInit((lm ?? video).init_cache, peerFault(at));',
    why: "A stage takes no video step that keeps the cache.",
  },
  {
    id: "session/no-video-is-no-init",
    rules: ["tp-session.cache-epoch.init"],
    file: SESSION,
    find: "if (video !== undefined) order.checkInit(video.init_cache, peerFault(at));",
    replace: 'if ("manifest" in message) order.checkInit(video?.init_cache ?? false, peerFault(at));',
    why: "A call without a video step is taken for one that keeps the cache.",
  },
  {
    id: "session/init-owed-over-no-video",
    rules: ["tp-session.cache-epoch.init"],
    file: SESSION,
    find: "order.checkInit(video.init_cache, peerFault(at));\n      return message;\n    };",
    replace: `{
        if (owed && video.init_cache) owed = false;
        else order.checkInit(video.init_cache, peerFault(at));
      } else if ("manifest" in message) {
        try {
          order.checkInit(false, peerFault(at));
        } catch {
          owed = true;
        }
      }
      return message;
    };
    let owed = false;`,
    why: "Behind a call without a video step that began a sequence, a step may make the cache anew once more.",
  },
  {
    id: "session/negative-control-epoch",
    rules: ["tp-session.epoch.not-negative", "pp-session.epoch.not-negative"],
    file: SESSION,
    find: "if (control_epoch < 0n) throw",
    replace: "if (control_epoch < -(2n ** 62n)) throw",
    why: "control_epoch may be negative.",
  },
  {
    id: "session/negative-cache-epoch",
    rules: ["tp-session.epoch.not-negative", "pp-session.epoch.not-negative"],
    file: SESSION,
    find: "if (cache_epoch < 0n) throw",
    replace: "if (cache_epoch < -(2n ** 62n)) throw",
    why: "cache_epoch may be negative.",
  },
  {
    id: "session/negative-chunk-index",
    rules: ["tp-session.epoch.not-negative", "pp-session.chunk-index"],
    file: SESSION,
    find: "const least = this.#cut || this.#chunk === null ? 0n : this.#chunk;",
    replace: "const least = this.#cut || this.#chunk === null ? chunk_index : this.#chunk;",
    why: "The first chunk_index of a cache epoch may be negative.",
  },
  {
    id: "session/open-after-shutdown",
    rules: ["tp-session.shutdown.last", "pp-session.shutdown.last"],
    file: SESSION,
    find: 'return this.#last?.action === "SHUTDOWN";',
    replace: 'return this.#last?.action === ("CLOSED" as TpHeader["action"]);',
    why: "Messages after SHUTDOWN are accepted.",
  },
  {
    id: "session/shutdown-judged-at-header-end",
    rules: ["tp-session.shutdown.last", "pp-session.shutdown.last"],
    file: "packages/tp-control/src/header-decoder.ts",
    find: "this.#gate?.begin(this.offset + 1);",
    replace: "this.#gate?.begin(this.offset + HEADER_SIZE);",
    why: "A byte after SHUTDOWN is reported at the end of the header that it would begin.",
  },
  {
    id: "session/end-needs-shutdown",
    rules: ["tp-session.eof", "pp-session.eof"],
    file: "packages/tp-control/src/header-decoder.ts",
    find: "return this.#error;\n  }\n\n  #takeHeader",
    replace:
      'if (this.#gate !== null && !(this as unknown as { closed: boolean }).closed) this.#error ??= blame("state", "expected SHUTDOWN");\n    return this.#error;\n  }\n\n  #takeHeader',
    why: "A session that ends without SHUTDOWN is an error.",
  },
];
