import type { Mutant } from "../mutant.ts";

const BATCH = "packages/framing/src/frame-batch.ts";
const DECODER = "packages/framing/src/frame-decoder.ts";
const TENSOR = "packages/tensor-spec/src/tensor.ts";

/** Who owns which bytes: seen when chunks are overwritten and messages are read once more. */
export const LENDING: readonly Mutant[] = [
  {
    id: "lending/taken-is-lent",
    rules: ["iut.probe.poison.recall"],
    file: BATCH,
    find: "if (i !== 0 || buffer !== this.gathered || this.end(0) < buffer.length / 2) return this.copy(i);",
    replace:
      "if (i !== 0 || buffer !== this.gathered || this.end(0) < buffer.length / 2) return this.view(i) as Uint8Array<ArrayBuffer>;",
    why: "A frame that the caller takes is a view of the chunk.",
    defect: "zeromq/libzmq#1477, felixge/node-buffy#2",
  },
  {
    id: "lending/copy-by-slice",
    rules: ["iut.probe.poison.recall"],
    file: BATCH,
    find: "return new Uint8Array(this.view(i));",
    replace: "return this.view(i).slice();",
    why: "A copy is made by slice(), which is a view where the chunk is a Node Buffer.",
    defect: "RSoraM/mima-kit#10",
  },
  {
    id: "lending/taken-buffer-used-again",
    rules: ["iut.probe.poison.recall"],
    file: BATCH,
    find: "this.#slab.release(buffer);",
    replace: "",
    why: "The buffer that a taken frame took along is gathered into again.",
  },
  {
    id: "lending/tensors-are-views",
    rules: ["iut.probe.poison.recall"],
    file: TENSOR,
    find: "const data = new Uint8Array(buffer, starts[i]!, bytes.length);\n    data.set(bytes);",
    replace: "const data = bytes as Uint8Array<ArrayBuffer>;",
    why: "The tensors of a message are views of the frame that was lent.",
  },
  {
    id: "lending/prefix-cleared-behind",
    rules: ["iut.probe.poison.input"],
    file: DECODER,
    find: "for (let i = from; i < chunk.length; i++) this.#prefix[this.#prefixHave++] = chunk[i]!;",
    replace:
      "for (let i = from; i < chunk.length; i++) {\n      this.#prefix[this.#prefixHave++] = chunk[i]!;\n      chunk[i] = 0;\n    }",
    why: "The decoder clears what it has read of a prefix, in the caller's chunk.",
  },
  {
    id: "lending/payload-moved-in-place",
    rules: ["iut.probe.poison.input"],
    file: DECODER,
    find: "this.#slab.append(chunk, from, to, this.#bodyLength);",
    replace: "this.#slab.append(chunk, from, to, this.#bodyLength);\n      chunk.copyWithin(0, from, to);",
    why: "The decoder moves a payload to the front of the caller's chunk.",
  },
];
