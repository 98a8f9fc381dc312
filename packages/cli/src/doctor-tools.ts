import type { Finding } from "./doctor-command.ts";

/** A program that some commands start, and what for. */
interface Tool {
  readonly name: string;
  /** The programs that do, where that is not the name alone. The first that is there is taken. */
  readonly programs?: readonly (string | undefined)[];
  readonly purpose: string;
  /** What it is given to see that it is new enough and has what is needed: then it ends with 0. */
  readonly probe?: readonly string[];
  /** What the probe asks for. */
  readonly wanted?: string;
}

const TENSORFLOW_PYTHON = `import importlib.util as u, sys, venv
sys.exit(not ((3, 10) <= sys.version_info[:2] <= (3, 13) and (u.find_spec("pip") or u.find_spec("ensurepip"))))`;

const TOOLS: readonly Tool[] = [
  {
    name: "python3",
    purpose: "the Python port",
    probe: ["-c", "import sys; sys.exit(sys.version_info < (3, 9))"],
    wanted: "3.9 or later",
  },
  {
    name: "python3 -m venv",
    programs: ["python3"],
    purpose: "the whole Python port (ranks), the vector generator, bun run peers (twisted)",
    probe: ["-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"],
    wanted: "3.10 or later, with venv and ensurepip",
  },
  {
    name: "python3 -m pip",
    programs: ["python3"],
    purpose: "setup:tensorflow (Linux)",
    probe: ["-c", TENSORFLOW_PYTHON],
    wanted: "3.10 to 3.13, with venv, and pip or ensurepip",
  },
  { name: "g++", purpose: "setup:tensorflow" },
  { name: "go", purpose: "the Go port, bun run peers (connect-go)" },
  { name: "cargo", purpose: "the Rust port, bun run peers (tokio-util, tonic)" },
  { name: "cc", purpose: "the C port" },
  { name: "make", purpose: "the C port" },
  {
    name: "perl",
    purpose: "the Perl port",
    probe: ["-MJSON::PP", "-MIO::Socket::INET", "-MDigest::SHA", "-MTest::More", "-e", "exit(length(~0) < 20)"],
    wanted: "64-bit integers, JSON::PP, IO::Socket::INET, Digest::SHA and Test::More",
  },
  { name: "java", purpose: "bun run peers (grpc-java, netty)" },
  {
    name: "javac",
    purpose: "bun run peers (grpc-java, netty)",
    probe: ["--release", "17", "--version"],
    wanted: "a JDK of 17 or later",
  },
  { name: "mvn", purpose: "bun run peers (grpc-java, netty)" },
  { name: "spin", purpose: "bun run model" },
  { name: "gcc", purpose: "bun run model" },
  {
    name: "node",
    purpose: "bun run mutation",
    probe: ["-e", "process.exit(Number.parseInt(process.versions.node) < 20 ? 1 : 0)"],
    wanted: "20 or later",
  },
  {
    name: "chromium",
    programs: [process.env.TENSORWIRE_CHROMIUM, "chromium", "chromium-browser", "google-chrome"],
    purpose: "tests of the HTML report; TENSORWIRE_CHROMIUM names another",
  },
  { name: "tshark", purpose: "tests of the Wireshark dissector" },
  { name: "hyperfine", purpose: "bun run bench, whole commands" },
];

/** A program that hangs is none. */
const PROBE_DEADLINE_MS = 10_000;

/** What is here of the programs that some commands start. None is needed by all. */
export function tools(): Finding[] {
  return TOOLS.map((tool) => {
    const reason = lackOf(tool);
    const detail = reason === null ? tool.purpose : `${reason}; for ${tool.purpose}`;
    return { what: tool.name, ok: reason === null, needed: false, detail };
  });
}

function lackOf({ name, programs = [name], probe, wanted }: Tool): string | null {
  const found = programs
    .map((program) => (program === undefined ? null : Bun.which(program)))
    .find((path) => path !== null);
  if (found === undefined) return "not on the PATH";
  if (probe === undefined) return null;
  const { exitCode } = Bun.spawnSync([found, ...probe], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
    timeout: PROBE_DEADLINE_MS,
  });
  return exitCode === 0 ? null : `expected ${wanted}`;
}
