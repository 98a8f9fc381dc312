/**
 * bun run setup:tensorflow [--gpu] [--from PATH]
 *
 * Builds the native backend `tfjs-node-gpu`: a Python environment of the project's own with TensorFlow's PyPI wheel, one compile
 * line against the libraries and headers in it, and a check that prints version and device. Everything lands in
 * `.tensorflow/`. A second run checks what is there and does only what is missing.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import {
  type AddonStamp,
  addonPaths,
  addonSources,
  chooseBackend,
  readAddonStamp,
  TENSORFLOW_DIR,
} from "@tensorwire/tensor-stage";
import { flags } from "./flags.ts";

const VERSION = "2.21.0";
const VENV = join(TENSORFLOW_DIR, "venv");
const PYTHON = join(VENV, "bin/python");
const LIBRARIES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];

const USAGE = `usage: bun run setup:tensorflow [--gpu] [--from PATH]

  --gpu        install TensorFlow with its CUDA 12 libraries (about 3 GB) and require a GPU in the check
  --from PATH  use TensorFlow from PATH (a site-packages folder, a tensorflow folder or a .whl file) instead of PyPI

Linux; Python 3.10 to 3.13 with venv, and g++. Exit status: 0 the backend runs here; 1 otherwise; 64 usage.
`;

class SetupError extends Error {}

/** Runs a program, with a line every ten seconds while it is silent. Throws SetupError with the end of its output. */
async function run(what: string, command: string[], deadlineMs: number): Promise<string> {
  const started = performance.now();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(0);
  const heartbeat = setInterval(() => console.log(`    ${what}: ${seconds()} s so far`), 10_000);
  try {
    const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe", timeout: deadlineMs, killSignal: "SIGKILL" });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    if (child.exitCode !== 0) {
      const end = (err + out).trim().split("\n").slice(-15).join("\n");
      const status = child.signalCode
        ? `was stopped by ${child.signalCode} after ${seconds()} s`
        : `ended with ${child.exitCode}`;
      throw new SetupError(`${what}: \`${command.slice(0, 4).join(" ")} …\` ${status}\n${end}`);
    }
    return out;
  } finally {
    clearInterval(heartbeat);
  }
}

function requireProgram(name: string, why: string): string {
  const found = Bun.which(name);
  if (found === null) throw new SetupError(`${name} is not on PATH: ${why}`);
  return found;
}

/** A distribution without ensurepip (Debian's python3 alone) still has venv; then the outer pip installs into it. */
async function createVenv(): Promise<string[]> {
  const python = requireProgram("python3", "Python 3.10 to 3.13 with pip fetches the TensorFlow wheel");
  const has = (module: string) =>
    Bun.spawnSync([python, "-c", `import ${module}`], { stderr: "ignore" }).exitCode === 0;
  const ensurepip = has("ensurepip");
  if (!ensurepip && !has("pip")) {
    throw new SetupError("python3 has neither ensurepip nor pip: install python3-venv or python3-pip");
  }
  const create = [python, "-m", "venv", ...(ensurepip ? [] : ["--without-pip"]), VENV];
  await run("creating the Python environment", create, 120_000);
  return ensurepip ? [PYTHON, "-m", "pip"] : [python, "-m", "pip", "--python", PYTHON];
}

async function installWheel(gpu: boolean, wheel: string | undefined): Promise<string> {
  const pip = await createVenv();
  // The two libraries need no Python package, so the CPU wheel comes alone; the CUDA libraries are such packages.
  const what = wheel
    ? [wheel, "--no-deps"]
    : gpu
      ? ["tensorflow[and-cuda]==2.21.*"]
      : [`tensorflow-cpu==${VERSION}`, "--no-deps"];
  const size = wheel ? "" : gpu ? ", about 3 GB" : ", 270 MB to fetch and 1.4 GB on disk";
  console.log(`    pip install ${what[0]}${size}`);
  const quiet = ["install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-compile"];
  await run("installing TensorFlow for Python 3.10 to 3.13", [...pip, ...quiet, ...what], 3_600_000);
  const lib = join(VENV, "lib");
  const python = readdirSync(lib).find((entry) => entry.startsWith("python3"));
  if (python === undefined) throw new SetupError(`no python3.* folder in ${lib}`);
  return join(lib, python, "site-packages");
}

interface Tensorflow {
  readonly dir: string;
  readonly version: string;
  readonly package: string;
}

/** Finds the wheel's `tensorflow` folder in or at `path`, or null. */
function findTensorflow(path: string): Tensorflow | null {
  const dir = [path, join(path, "tensorflow")].find((d) => LIBRARIES.every((file) => existsSync(join(d, file))));
  if (dir === undefined || !existsSync(join(dir, "include/tensorflow/c/eager/c_api.h"))) return null;
  const name = /^(tensorflow(?:_cpu)?)-(.+)\.dist-info$/;
  const match = readdirSync(join(dir, ".."))
    .map((entry) => name.exec(entry))
    .find((found) => found !== null);
  return { dir: resolve(dir), version: match?.[2] ?? "unknown", package: match?.[1] ?? "tensorflow" };
}

function installedInVenv(): Tensorflow | null {
  const lib = join(VENV, "lib");
  if (!existsSync(lib)) return null;
  for (const python of readdirSync(lib)) {
    const found = findTensorflow(join(lib, python, "site-packages"));
    if (found !== null) return found;
  }
  return null;
}

async function locate(gpu: boolean, from: string | undefined): Promise<Tensorflow> {
  if (from !== undefined && !from.endsWith(".whl")) {
    const found = findTensorflow(resolve(from));
    if (found === null) throw new SetupError(`--from ${from}: no ${LIBRARIES.join(", ")} and include/ there`);
    return found;
  }
  const present = from === undefined ? installedInVenv() : null;
  const fits = present?.version.startsWith("2.21.") && (present.package === "tensorflow" || !gpu);
  if (present !== null && fits) return present;
  rmSync(VENV, { recursive: true, force: true }); // the wheels for CPU and GPU share a folder and must not mix
  const found = findTensorflow(await installWheel(gpu, from && resolve(from)));
  if (found === null) throw new SetupError("the installed wheel holds no C libraries and headers");
  return found;
}

async function compile(tensorflow: Tensorflow): Promise<"built" | "already built"> {
  const { files, include, tfjs } = addonSources();
  const stamp: AddonStamp = { libraryDir: tensorflow.dir, tensorflow: tensorflow.version, tfjs };
  if (JSON.stringify(readAddonStamp()) === JSON.stringify(stamp)) return "already built";
  rmSync(addonPaths().stamp, { force: true });
  const compiler = requireProgram("g++", "it compiles the addon (Debian and Ubuntu: apt-get install g++)");
  const partial = `${addonPaths().addon}.partial`;
  const flags = ["-O2", "-shared", "-fPIC", "-std=c++17", "-DNAPI_VERSION=8"];
  const includes = [`-I${include}`, `-I${join(tensorflow.dir, "include")}`];
  const link = [`-L${tensorflow.dir}`, ...LIBRARIES.map((file) => `-l:${file}`), `-Wl,-rpath,${tensorflow.dir}`];
  await run("compiling the addon", [compiler, ...flags, ...includes, ...files, ...link, "-o", partial], 600_000);
  renameSync(partial, addonPaths().addon);
  writeFileSync(addonPaths().stamp, `${JSON.stringify(stamp)}\n`);
  return "built";
}

async function check(requireGpu: boolean): Promise<string> {
  const { reason } = await chooseBackend("tfjs-node-gpu", { requireGpu });
  const product = tf.tidy(() =>
    tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])).dataSync(),
  );
  if (product.join() !== "19,22,43,50")
    throw new SetupError(`a 2x2 matrix product gave ${product.join()}, expected 19,22,43,50`);
  return reason;
}

async function main(): Promise<void> {
  const { values } = flags("setup:tensorflow", USAGE, () =>
    parseArgs({ options: { gpu: { type: "boolean", default: false }, from: { type: "string" } } }),
  );
  if (process.platform !== "linux")
    throw new SetupError(`Linux only, this is ${process.platform}; backend wasm runs everywhere`);
  mkdirSync(TENSORFLOW_DIR, { recursive: true });
  const started = performance.now();
  const done = (text: string) => console.log(`    ${text} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  console.log("[1/3] TensorFlow's libraries and headers");
  const tensorflow = await locate(values.gpu, values.from);
  done(`${tensorflow.package} ${tensorflow.version} is in ${tensorflow.dir}`);
  console.log("[2/3] the addon of @tensorflow/tfjs-node-gpu");
  done(`${await compile(tensorflow)}: ${addonPaths().addon}`);
  console.log("[3/3] a 2x2 matrix product on it");
  done(`right, on ${await check(values.gpu)}`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? `setup:tensorflow: ${error.message}` : error);
  process.exit(1);
}
