import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { LineLink, LinkError } from "./link.ts";
import { PipeChannel } from "./pipe-channel.ts";
import { Child } from "./process.ts";
import { Recorder } from "./recorder.ts";

setDefaultTimeout(60_000);

/** More than the pipes of any system hold. */
const LONG = { op: "x", pad: "x".repeat(8 << 20) };

function over(command: string) {
  const child = new Child(command, { mark: "", log: () => {}, stdio: true });
  const link = new LineLink(new Recorder(), child);
  new PipeChannel(child.stdin, child.stdout, (channel) => link.attach(channel));
  return { child, link };
}

describe("an IUT that reads no more", () => {
  test("is ended when the link is closed, and not waited for", async () => {
    const { child, link } = over("exec sleep 300");
    link.tell(LONG);
    await link.close();
    expect(await child.ended()).toBe("the process was ended by SIGKILL");
  });

  test("has not answered in time, though the request never got through", async () => {
    const { child, link } = over("exec sleep 300");
    const error = await link.ask(LONG, { deadline: 200, segments: 5 }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(LinkError);
    expect((error as LinkError).kind).toBe("deadline");
    await link.close();
    expect(await child.ended()).toBe("the process was ended by SIGKILL");
  });
});

describe("a harness that is itself at work past the deadline", () => {
  /** A channel whose other side answers so late. */
  const answering = (ms: number) => {
    const link = new LineLink(new Recorder());
    const write = () => {
      setTimeout(() => events.data(new TextEncoder().encode('{"op":"x"}\n')), ms);
    };
    const events = link.attach({ write, flushed: async () => {}, close: () => {} });
    return link;
  };

  test("does not count that time: what it could not read before is in time", async () => {
    const link = answering(60);
    const asked = link.ask({ op: "x" }, { deadline: 200 });
    Bun.sleepSync(500);
    expect(await asked).toEqual({ op: "x" });
    await link.close();
  });

  test("counts all other time", async () => {
    const link = answering(60_000);
    const asked = link.ask({ op: "x" }, { deadline: 200 }).catch((error: unknown) => error);
    Bun.sleepSync(300);
    expect(((await asked) as LinkError).kind).toBe("deadline");
    await link.close();
  });
});

test("an IUT that reads everything may leave by itself", async () => {
  const { child, link } = over("cat > /dev/null");
  link.tell(LONG);
  await link.close();
  expect(await child.ended()).toBe("the process ended with status 0");
});
