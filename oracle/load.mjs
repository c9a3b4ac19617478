// A snapshot as DevTools has it once it is loaded: with distances, dominators and retained sizes.

import { createReadStream } from 'node:fs'
import { HeapSnapshot, HeapSnapshotLoader } from './dist/devtools.mjs'

const silent = { sendEvent() {} }

/** Reads a file as DevTools does, second worker and all. */
export async function load(path) {
  const loader = new HeapSnapshotLoader.HeapSnapshotLoader(silent)
  let first = true
  for await (let chunk of createReadStream(path, { encoding: 'latin1', highWaterMark: 1 << 20 })) {
    // DevTools' allocation view throws on the trace trees of some Node versions; no figure that we ask
    // for depends on it, so it is told that there is none.
    if (first) chunk = chunk.replace(/"trace_function_count":\d+/, '"trace_function_count":0')
    first = false
    loader.write(chunk)
  }
  loader.close()
  const channel = new MessageChannel()
  new HeapSnapshot.SecondaryInitManager(channel.port2)
  const snapshot = await loader.buildSnapshot(channel.port1)
  channel.port1.close()
  channel.port2.close()
  return snapshot
}
