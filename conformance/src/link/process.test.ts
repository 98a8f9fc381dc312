import { describe, expect, test } from "bun:test";
import { Child } from "./process.ts";

const start = (command: string, stdio = false) => {
  const lines: string[] = [];
  return { lines, child: new Child(command, { mark: "[iut 1] ", log: (line) => lines.push(line), stdio }) };
};

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("Child", () => {
  test("r[iut.launch.shell]: marks what the command prints, on both streams, the last line without its LF too", async () => {
    const { lines, child } = start("echo one; echo two >&2; printf three");
    expect(await child.ended()).toBe("the process ended with status 0");
    await child.end(false);
    expect(lines.toSorted()).toEqual(["[iut 1] one", "[iut 1] three", "[iut 1] two"]);
  });

  test("tells how a process ended", async () => {
    expect(await start("exit 7").child.ended()).toBe("the process ended with status 7");
    // Not by a signal that dumps core: where a program takes the dump, the end waits for it.
    expect(await start("kill -KILL $$").child.epitaph()).toBe("the process was ended by SIGKILL");
  });

  test("end(true) takes the whole group with it, and what the shell left in the background", async () => {
    const { lines, child } = start("sleep 300 & echo $!; wait");
    while (lines.length === 0) await new Promise((turn) => setImmediate(turn));
    const pid = Number(lines[0]?.replace("[iut 1] ", ""));
    expect(isAlive(pid)).toBe(true);
    await child.end(true);
    expect(await child.ended()).toBe("the process was ended by SIGKILL");
    // The orphan is reaped by whoever inherits it; until then it is a zombie, which holds no file and no socket.
    const state = await Bun.$`ps -o stat= -p ${pid}`.nothrow().text();
    expect(state.trim()).toMatch(/^$|^Z/);
  });
});
