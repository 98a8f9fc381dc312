import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { registerTensorflow, TENSORFLOW_DIR } from "./tensorflow-addon.ts";

/** What a user may ask for. `auto` takes tfjs-node-gpu when its addon is built and loads, else wasm. */
export const BACKEND_NAMES = ["auto", "tfjs-node-gpu", "wasm", "cpu"] as const;

export interface BackendChoice {
  readonly name: Exclude<(typeof BACKEND_NAMES)[number], "auto">;
  readonly device: "CPU" | "GPU";
  /** One line: what was chosen, and why the others were not. */
  readonly reason: string;
}

export interface BackendOptions {
  readonly requireGpu?: boolean;
  /** Where the native addon was built; `.tensorflow` at the root of the repository unless told. */
  readonly tensorflowDir?: string;
}

/**
 * Starts a TensorFlow.js backend and makes it the current one of this process. A backend that was named and cannot start
 * is an Error with the reason, never another backend. `requireGpu` also refuses a TensorFlow that runs on the CPU, because
 * TensorFlow itself falls back to it without a word.
 */
export async function chooseBackend(wanted = "auto", options: BackendOptions = {}): Promise<BackendChoice> {
  const { requireGpu = false, tensorflowDir = TENSORFLOW_DIR } = options;
  if (!BACKEND_NAMES.some((name) => name === wanted)) {
    throw new Error(`backend ${JSON.stringify(wanted)} is unknown: expected one of ${BACKEND_NAMES.join(", ")}`);
  }
  if (requireGpu && (wanted === "wasm" || wanted === "cpu")) {
    throw new Error(`a GPU was asked for, and backend ${wanted} never uses one: expected tfjs-node-gpu or auto`);
  }
  tf.enableProdMode();
  if (wanted === "wasm") return startWasm("asked for");
  if (wanted === "cpu") return startCpu();
  try {
    return await startTensorflow(
      tensorflowDir,
      requireGpu,
      wanted === "auto" ? "its addon is built and loads" : "asked for",
    );
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    if (wanted !== "auto" || requireGpu) throw new Error(`backend tfjs-node-gpu cannot start: ${message}`, { cause });
    return startWasm(`tfjs-node-gpu skipped: ${message}`);
  }
}

async function startTensorflow(dir: string, requireGpu: boolean, why: string): Promise<BackendChoice> {
  const { device, version, log } = await registerTensorflow(dir);
  if (requireGpu && device !== "GPU") {
    throw new Error(`a GPU was asked for, and TensorFlow ${version} found none. It said: ${log.trim() || "nothing"}`);
  }
  await activate("tensorflow");
  return { name: "tfjs-node-gpu", device, reason: `tfjs-node-gpu on ${device} TensorFlow ${version}: ${why}` };
}

async function startWasm(why: string): Promise<BackendChoice> {
  const wasm = await import("@tensorflow/tfjs-backend-wasm");
  const require = createRequire(import.meta.url);
  wasm.setWasmPaths(dirname(require.resolve("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm")) + sep);
  await activate("wasm");
  const simd = (await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")) ? "SIMD" : "no SIMD";
  return { name: "wasm", device: "CPU", reason: `wasm (${simd}, one thread): ${why}` };
}

async function startCpu(): Promise<BackendChoice> {
  await import("@tensorflow/tfjs-backend-cpu");
  await activate("cpu");
  return { name: "cpu", device: "CPU", reason: "cpu (plain JavaScript, slow): asked for" };
}

async function activate(name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`TensorFlow.js could not initialise its backend ${name}`);
  await tf.ready();
}
