#!/usr/bin/env node
// Sends each line of the standard input to logstash:9000 (or ADDRESS host:port) as a JSON line. A connection whose other side is closing
// emits 'end': it is replaced before the next line, so an update of the service loses none.
import net from "node:net";
import readline from "node:readline";

const address = process.env.ADDRESS ?? "logstash:9000";
const [host, port] = [address.slice(0, address.lastIndexOf(":")), Number(address.slice(address.lastIndexOf(":") + 1))];
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function connect() {
  for (;;) {
    const socket = net.connect({ host, port });
    const error = await new Promise((done) => socket.once("connect", () => done(null)).once("error", done));
    if (!error) {
      socket.usable = true;
      for (const event of ["end", "error", "close"]) socket.on(event, () => (socket.usable = false));
      socket.resume();
      return socket;
    }
    console.error(`send: ${error.message}; trying again`);
    await pause(500);
  }
}

let socket = await connect();
for await (const line of readline.createInterface({ input: process.stdin })) {
  if (!socket.usable) socket = await connect();
  const record = JSON.stringify({ message: line, service: { name: "send.mjs" } }) + "\n";
  if (!socket.write(record)) await Promise.race(["drain", "close"].map((e) => new Promise((done) => socket.once(e, done))));
}
await new Promise((done) => socket.end(done));
socket.destroy(); // all is written: wait for nobody
