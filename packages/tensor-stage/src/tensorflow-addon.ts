/**
 * The native TensorFlow addon of `@tensorflow/tfjs-node-gpu`. The package's own installer downloads a TensorFlow of 2022,
 * so it is never run: `bun run setup:tensorflow` compiles the package's two C++ files against the libraries and headers
 * of the PyPI wheel instead, into `.tensorflow/` at the root of the repository, where no reinstall deletes it.
 */

import { dlopen, FFIType } from "bun:ffi";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { withNativeLog } from "./native-log.ts";

const require = createRequire(import.meta.url);

/** The git-ignored folder that `bun run setup:tensorflow` fills. */
export const TENSORFLOW_DIR = join(import.meta.dir, "../../../.tensorflow");

/** The addon, and the stamp that the set-up writes last, so that its presence means that the addon is whole. */
export function addonPaths(dir = TENSORFLOW_DIR): { addon: string; stamp: string } {
  return { addon: join(dir, "tfjs_binding.node"), stamp: join(dir, "addon.json") };
}

export interface AddonStamp {
  /** The folder with `libtensorflow_cc.so.2`, `libtensorflow_framework.so.2` and `include/`. */
  readonly libraryDir: string;
  /** Version of the wheel, such as "2.21.0". */
  readonly tensorflow: string;
  /** Version of `@tensorflow/tfjs-node-gpu` whose sources were compiled. */
  readonly tfjs: string;
}

/** What the compiler needs from npm: the addon's sources, its version, and the Node-API headers. */
export function addonSources(): { files: string[]; include: string; tfjs: string } {
  const manifest = require.resolve("@tensorflow/tfjs-node-gpu/package.json");
  const binding = join(dirname(manifest), "binding");
  return {
    files: [join(binding, "tfjs_backend.cc"), join(binding, "tfjs_binding.cc")],
    include: join(dirname(require.resolve("node-api-headers/package.json")), "include"),
    tfjs: require(manifest).version,
  };
}

/** The stamp of a built addon, or null when `dir` holds none. */
export function readAddonStamp(dir = TENSORFLOW_DIR): AddonStamp | null {
  const paths = addonPaths(dir);
  if (!existsSync(paths.stamp) || !existsSync(paths.addon)) return null;
  return JSON.parse(readFileSync(paths.stamp, "utf8")) as AddonStamp;
}

export interface TensorflowDevice {
  readonly device: "CPU" | "GPU";
  /** Version that the loaded library reports. */
  readonly version: string;
  /** What TensorFlow wrote to stderr while it started. */
  readonly log: string;
}

/**
 * Loads the addon and registers it with TensorFlow.js as backend "tensorflow". Throws an Error that says what is missing.
 */
export async function registerTensorflow(dir = TENSORFLOW_DIR): Promise<TensorflowDevice> {
  const stamp = readAddonStamp(dir);
  if (stamp === null) throw new Error("no addon in .tensorflow; `bun run setup:tensorflow` builds it");
  if (stamp.tfjs !== addonSources().tfjs) {
    throw new Error(`the addon is built for tfjs-node-gpu ${stamp.tfjs}; run \`bun run setup:tensorflow\` again`);
  }
  if (!existsSync(stamp.libraryDir)) {
    throw new Error(`the addon's libraries are gone from ${stamp.libraryDir}; run \`bun run setup:tensorflow\` again`);
  }
  // Else the first stage process takes the whole GPU and a second one on it fails.
  setNativeVariable("TF_FORCE_GPU_ALLOW_GROWTH", "true");
  preloadCuda(stamp.libraryDir);
  const { result: binding, log } = withNativeLog(() => require(addonPaths(dir).addon));
  const { NodeJSKernelBackend } = await import("@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js");
  await import("@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js");
  const backend = new NodeJSKernelBackend(binding, "@tensorflow/tfjs-node-gpu");
  if (tf.findBackendFactory("tensorflow") === null) tf.registerBackend("tensorflow", () => backend);
  return { device: backend.isUsingGpuDevice ? "GPU" : "CPU", version: binding.TF_Version, log };
}

/**
 * TensorFlow reads its variables with getenv, which does not see what is written to `process.env` under Bun. One that the user
 * has set wins.
 */
function setNativeVariable(name: string, value: string): void {
  const libc = dlopen("libc.so.6", { setenv: { args: [FFIType.ptr, FFIType.ptr, FFIType.i32], returns: FFIType.i32 } });
  const overwrite = 0;
  libc.symbols.setenv(Buffer.from(`${name}\0`), Buffer.from(`${value}\0`), overwrite);
}

/**
 * TensorFlow opens the CUDA libraries by bare name. pip puts them into `nvidia/<name>/lib` beside the wheel, where the loader
 * does not look; once they are loaded by full path, it finds them by soname. No effect with a CPU wheel.
 */
function preloadCuda(libraryDir: string): void {
  const root = join(libraryDir, "../nvidia");
  if (!existsSync(root)) return;
  const RTLD_LAZY_GLOBAL = 0x101;
  const libc = dlopen("libc.so.6", { dlopen: { args: [FFIType.ptr, FFIType.i32], returns: FFIType.ptr } });
  for (const name of readdirSync(root)) {
    const folder = join(root, name, "lib");
    if (!existsSync(folder)) continue;
    for (const file of readdirSync(folder).filter((entry) => entry.includes(".so."))) {
      libc.symbols.dlopen(Buffer.from(`${join(folder, file)}\0`), RTLD_LAZY_GLOBAL);
    }
  }
}
