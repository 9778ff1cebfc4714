declare const self: Worker

// Says back what it is told, the size of bytes, and crashes or says nothing when it is asked to.

self.onmessage = ({ data }: MessageEvent<string | Uint8Array>) => {
  if (data === "crash") throw new Error("as asked")
  if (data === "hang") return
  self.postMessage(typeof data === "string" ? data : String(data.byteLength))
}

self.postMessage("ready")

export {}
