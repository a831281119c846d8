# Objects, buffers, compression and a worker thread.
node -e '
const crypto = require("crypto"), zlib = require("zlib");
const { Worker } = require("worker_threads");
const hash = (data) => crypto.createHash("sha256").update(data).digest("hex");
const items = [...Array(50000).keys()].map((i) => ({ id: i, name: "n" + ((i * 7919) % 1009), list: Array(i % 5).fill(i) }));
const text = JSON.stringify(items);
console.log(text.length, hash(text), JSON.parse(text).length);
const buffers = [];
for (let i = 1; i < 400; i++) buffers.push(Buffer.alloc(i * 517, i));
console.log(hash(Buffer.concat(buffers)));
const packed = zlib.gzipSync(text);
console.log(hash(zlib.gunzipSync(packed)));
const worker = new Worker(`
  const { parentPort } = require("worker_threads");
  const map = new Map();
  for (let i = 0; i < 100000; i++) map.set("k" + (i % 7000), i);
  parentPort.postMessage([...map.values()].reduce((a, b) => a + b));
`, { eval: true });
worker.on("message", (sum) => console.log("worker", sum));
'
