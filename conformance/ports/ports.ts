import { join } from "node:path";

/** One implementation in another language: how it is built, tested and started. Commands run in the root of the repository. */
export interface Port {
  /** What `--only` names. */
  readonly name: string;
  /** Each must end with 0, or the language counts as missing. */
  readonly needs: readonly (readonly string[])[];
  readonly build: readonly (readonly string[])[];
  /** The port's own tests. */
  readonly test: readonly (readonly string[])[];
  /** The command that the harness launches. */
  readonly launch: string;
  /** Seconds that the whole corpus may take on two cores. More is said in the table, and fails nothing: machines differ. */
  readonly limit?: number;
}

const HERE = "conformance/ports";
const at = (...path: string[]) => join(HERE, ...path);

const PYTHON = ["python3", "-c", "import sys; sys.exit(sys.version_info < (3, 9))"];
const VENV_PYTHON = ["python3", "-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"];
const FULL_PYTHON = at("python", ".venv", "bin", "python");
const CARGO = ["--release", "--locked", "--quiet", "--manifest-path", at("rust", "Cargo.toml")];

export const PORTS: readonly Port[] = [
  {
    name: "python",
    needs: [PYTHON],
    build: [],
    test: [["python3", at("python", "test_port.py")]],
    launch: `python3 ${at("python", "shim.py")}`,
    limit: 60,
  },
  {
    // The starter with both of its extensions: level 2, and the probes of level 3.
    name: "python-levels",
    needs: [PYTHON],
    build: [],
    test: [["python3", at("python", "test_probes.py")]],
    launch: `PYTHONPATH=${at("python")} python3 -c "import probes, shim, wire; shim.main()"`,
  },
  {
    // All profiles, with the ranks of level 2 and the probes of level 3.
    name: "python-full",
    needs: [VENV_PYTHON],
    build: [["python3", at("python", "setup_full.py")]],
    test: [
      [FULL_PYTHON, at("python", "test_full.py")],
      [FULL_PYTHON, at("python", "test_ranks.py")],
    ],
    launch: `PYTHONPATH=${at("python")} ${FULL_PYTHON} -c "import probes, ranks, shim; shim.main()"`,
  },
  {
    name: "go",
    needs: [["go", "version"]],
    build: [["go", "-C", at("go"), "build", "-o", "tensorwire-go", "."]],
    test: [
      ["go", "-C", at("go"), "vet", "./..."],
      ["go", "-C", at("go"), "test", "./..."],
    ],
    launch: at("go", "tensorwire-go"),
  },
  {
    name: "rust",
    needs: [["cargo", "--version"]],
    build: [["cargo", "build", ...CARGO]],
    test: [["cargo", "test", ...CARGO]],
    launch: at("rust", "target", "release", "tensorwire-rust"),
  },
  {
    name: "c",
    needs: [
      ["make", "--version"],
      ["cc", "--version"],
    ],
    build: [["make", "-C", at("c"), "-s"]],
    test: [["make", "-C", at("c"), "-s", "test"]],
    launch: at("c", "build", "tensorwire-c"),
  },
  {
    name: "perl",
    needs: [
      ["perl", "-MJSON::PP", "-MIO::Socket::INET", "-MDigest::SHA", "-MTest::More", "-e", "exit(length(~0) < 20)"],
    ],
    build: [],
    test: [["perl", at("perl", "test.pl")]],
    launch: `perl ${at("perl", "shim.pl")}`,
  },
];
