// What a TypeScript program may write, and what it may not: compiled by types.test.mjs, never run.

import {
  type AsyncSnapshotOptions,
  type Configuration,
  configure,
  type Diff,
  type Fallback,
  findLeaks,
  type gc,
  type LeakCause,
  type LeakReport,
  off,
  on,
  once,
  openSnapshot,
  type Retainers,
  type SkippedSnapshot,
  type Snapshot,
  type SnapshotCallback,
  type SnapshotError,
  type SnapshotErrorCode,
  type SnapshotInfo,
  type SnapshotOptions,
  type SnapshotProgress,
  type SnapshotTrigger,
  type Summary,
  type Support,
  support,
  type Watcher,
  type WatchOptions,
  watch,
  writeSnapshot,
  writeSnapshotAsync,
} from 'rs-heapdump'

/** Compiles only where both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(..._: Same<A, B> extends true ? [] : [never]): void {}

// writeSnapshot, as heapdump has it.
same<ReturnType<typeof writeSnapshot>, boolean>()
writeSnapshot()
writeSnapshot('a.heapsnapshot')
writeSnapshot((err, filename) => {
  same<typeof err, SnapshotError | null>()
  same<typeof filename, string | undefined>()
})
writeSnapshot('a.heapsnapshot', (err) => {
  if (err) same<typeof err.code, SnapshotErrorCode>()
})
writeSnapshot(undefined, () => {})
writeSnapshot(null, () => {})
const callback: SnapshotCallback = (err) => err?.errno?.startsWith('E')
writeSnapshot(callback)

// Options.
const options: SnapshotOptions = {
  filename: 'a.heapsnapshot',
  directory: '/var/tmp',
  gc: false,
  memoryGuard: true,
  comparable: false,
  compress: 'zstd',
  keep: 3,
  timeoutMs: 5000,
}
writeSnapshot(options)
writeSnapshot(options, callback)
// @ts-expect-error: a number is not a name
writeSnapshot(5)
// @ts-expect-error: not a boolean
writeSnapshot({ gc: 'yes' })
// @ts-expect-error: false, 'gzip' or 'zstd'
writeSnapshot({ compress: 'brotli' })
// @ts-expect-error: nobody knows this option
writeSnapshot({ gcc: true })
// @ts-expect-error: only the asynchronous form can be aborted
writeSnapshot({ signal: new AbortController().signal })
// @ts-expect-error: only the asynchronous form tells of progress
writeSnapshot({ onProgress() {} })

// The promise form.
const asyncOptions: AsyncSnapshotOptions = {
  ...options,
  signal: new AbortController().signal,
  onProgress: (progress) => {
    same<typeof progress, SnapshotProgress>()
    same<typeof progress.phase, 'capture' | 'write' | 'done'>()
    same<typeof progress.bytes, number>()
  },
}
same<ReturnType<typeof writeSnapshotAsync>, Promise<SnapshotInfo>>()
writeSnapshotAsync()
writeSnapshotAsync('a.heapsnapshot')
writeSnapshotAsync(asyncOptions).then((info) => {
  same<typeof info.path, string>()
  same<typeof info.mode, 'live' | 'in-process' | 'portable'>()
  same<typeof info.trigger, SnapshotTrigger>()
  const figures: number[] = [info.bytes, info.nodes, info.edges, info.pauseMs, info.durationMs, info.pid, info.threadId]
  return figures
})
// @ts-expect-error: the promise form takes no callback
writeSnapshotAsync(() => {})

// The rest.
same<ReturnType<typeof gc>, void>()
const configuration: Configuration = { directory: '/var/tmp', quiet: true, threads: 'all' }
configure(configuration)
configure({})
// @ts-expect-error: 'main' or 'all'
configure({ threads: 'some' })
configure({ compress: 'gzip', keep: false })
configure({ live: true, comparable: 'once' })
writeSnapshotAsync({ live: 'prefer', comparable: 'each' })
// @ts-expect-error: the synchronous form is never live
writeSnapshot({ live: 'prefer' })
// @ts-expect-error: each signal gets its own name
configure({ filename: 'a.heapsnapshot' })

function heard(info: SnapshotInfo): void {
  info.path
}
on('snapshot', heard)
once('snapshot', heard)
off('snapshot', heard)
on('error', (error) => same<typeof error, SnapshotError>())
on('skipped', (skipped) => same<typeof skipped, SkippedSnapshot>())
on('fallback', (fallback) => same<typeof fallback, Fallback>())
// @ts-expect-error: there is no such event
on('snapshots', () => {})
// @ts-expect-error: an error is no snapshot
on('error', heard)

const here: Support = support()
same<typeof here.mode, 'in-process' | 'portable'>()
same<typeof here.live.available, boolean>()
same<typeof here.blockedLoop.available, boolean>()
same<typeof here.lineEnds.detail, string>()

async function read(): Promise<void> {
  const snapshot: Snapshot = await openSnapshot('a.heapsnapshot', { salvage: true })
  const summary: Summary = await snapshot.summary({ top: 10, sort: 'shallow', filter: 'Session' })
  same<(typeof summary.classes)[0]['retained_bytes'], number>()
  const diff: Diff = await snapshot.diff(snapshot, { sort: 'deltaBytes' })
  same<typeof diff.ids, 'comparable' | 'partly' | 'different-process' | 'unstable'>()
  same<typeof diff.totals.delta_bytes, number>()
  same<(typeof diff.classes)[0]['samples'], number[]>()
  await snapshot.diff('b.heapsnapshot')
  const { paths }: Retainers = await snapshot.retainers({ id: 7 })
  same<(typeof paths)[0]['path'][0]['edge'], string | null>()
  await snapshot.retainers({ className: 'Session', top: 1 })
  // @ts-expect-error: by what?
  await snapshot.retainers({})
  // @ts-expect-error: not a key of a summary
  await snapshot.summary({ sort: 'delta' })
  snapshot.close()
  const leaks: LeakReport = await findLeaks(['a.heapsnapshot', 'b.heapsnapshot'], { top: 3, filter: 'cache' })
  const [suspect] = leaks.suspects
  same<typeof suspect.cause, LeakCause>()
  same<typeof suspect.retained_bytes, number[]>()
  // @ts-expect-error: a list of files
  await findLeaks('a.heapsnapshot')
}
same<ReturnType<typeof read>, Promise<void>>()

// watch.
const watched: WatchOptions = { heap: ['50%', 1e6], rss: false, nearLimit: true, live: 'prefer', minIntervalMs: 0 }
const watcher: Watcher = watch(watched)
same<typeof watcher.nearLimit, 'armed' | 'spent' | 'off'>()
same<(typeof watcher.steps)[number]['metric'], 'heap' | 'rss' | 'external'>()
watch().stop()
// @ts-expect-error: signals cover threads, a watcher watches its own
watch({ threads: 'all' })
on('skipped', ({ reason, error }) => reason === 'memory' && error?.neededBytes)
