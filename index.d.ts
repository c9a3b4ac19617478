/// <reference types="node" />

/** What to capture, and where to write it. */
export interface SnapshotOptions {
  /**
   * The file to write. A relative name stays relative to the working directory (or to `directory`).
   * Default: `heapdump-<sec>.<usec>.heapsnapshot`, wall clock in UTC; in a worker
   * `heapdump-<sec>.<usec>-thread<threadId>.heapsnapshot`. A default name never replaces a file.
   *
   * An existing regular file is replaced only by a whole snapshot. A FIFO, `/dev/stdout` or another
   * target that is not a regular file is written to as it is.
   */
  filename?: string
  /**
   * The directory for the file. Default: the working directory. It must exist. Where all may write to it, and so
   * exchange the file, a process warning says so, once (`HEAPDUMP_EXPOSED_DIRECTORY`).
   */
  directory?: string
  /** Collect all garbage first, so that the snapshot holds live objects only. Default: true. */
  gc?: boolean
  /**
   * Count the objects first and refuse with `ERR_HEAPDUMP_MEMORY`, before memory is taken, where
   * the capture would need more than the cgroup, the rlimits or the machine have left. Likewise with `ERR_HEAPDUMP_IO` and
   * `errno` `'ENOSPC'` where the file would not fit on its disk (about 100 bytes an object, a quarter of that with zstd, and
   * a reserve of 16 MiB). Default: true.
   */
  memoryGuard?: boolean
  /**
   * Keep V8's table of object ids, so that a later snapshot of the same thread gives the same object
   * the same id, which is what comparing snapshots rests on. The table costs about 60 bytes for
   * each object until the thread ends, and on Node 24 it slows garbage collection down. `false`
   * gives all that back after this snapshot; later ones number the objects anew. Default: true.
   *
   * For live captures there is more to say, because a child numbers objects for itself: only objects
   * that were numbered in the process itself keep their ids. `true` keeps what there is: ids given by
   * earlier snapshots in process. `'once'` numbers all objects before the thread's first capture
   * (`configure` and `NODE_HEAPDUMP_OPTIONS`: at once, when there are few), `'each'` before every one.
   * Numbering stops the thread for a garbage collection and a walk through its heap, and slows the
   * collector down from then on, as any snapshot in process does. The file's header
   * says up to which id that holds, and comparing obeys it. Not live, both are as `true`.
   */
  comparable?: boolean | 'once' | 'each'
  /**
   * Compress the file while it is written, off the JavaScript thread (live: in the child). A default name then ends
   * in `.heapsnapshot.gz` or `.heapsnapshot.zst`; a `filename` is taken as it is. Default: what the ending of
   * `filename` says (`.gz`, `.zst`), else `false`. All that reads snapshots here reads these, too; DevTools does not.
   */
  compress?: false | 'gzip' | 'zstd'
  /**
   * Leave out what strings contain, and names that may be data: a tag of the same length stands for each, the same
   * for equal strings of this process. Graph, sizes, ids, names of the program and paths of scripts stay, so every
   * analysis works. Nothing of it reaches the disk, nor what is taken out. Lengthens the pause by about what V8 needs
   * to write its snapshot; fails with `ERR_HEAPDUMP_UNSUPPORTED` where `support().mode` is `'portable'`. See
   * docs/redaction.md. Default: false.
   */
  redact?: boolean
  /**
   * Once the file has its name, remove the oldest of ours in its directory, so that this many stay. Ours are those with a
   * default name, of this user, that were written by rs-heapdump on this host for the same script: by this process (all its
   * threads, compressed or not) or by one that has ended. What has another name, is a link, or was written by another
   * process that still runs, is neither counted nor removed. Goes with default names only. Default: `false`, all stay.
   */
  keep?: false | number
  /** Give up after this many milliseconds, leave no file, and fail with `ERR_HEAPDUMP_TIMEOUT`. */
  timeoutMs?: number
}

/** How far a capture is. */
export interface SnapshotProgress {
  /**
   * `'capture'` is told before V8 stops the thread, `'write'` once the thread goes on and the rest of
   * the file is on its way to the disk (live: once the child writes), `'done'` when the file has its name.
   */
  phase: 'capture' | 'write' | 'done'
  /** Bytes handed to the file so far. */
  bytes: number
  /** Nodes in the snapshot; 0 until they are counted. */
  nodes: number
}

/** What only the asynchronous form understands. */
export interface AsyncSnapshotOptions extends SnapshotOptions {
  /**
   * Capture in a forked child while the thread goes on: it stands still for the fork only, 40 to 140 ms
   * for each gigabyte of resident memory. The child needs as much memory as a capture in process does, for
   * longer. `'prefer'` (or `true`) captures in process where that cannot be, and tells why (`fallback`);
   * `'require'` fails with `ERR_HEAPDUMP_UNSUPPORTED` or the reason. See `support().live`. Default: false.
   *
   * A worker that ends takes its child along. With `signal` and `timeoutMs` a live capture ends at any time.
   */
  live?: boolean | 'prefer' | 'require'
  /**
   * Aborts with `ERR_HEAPDUMP_ABORTED`: before V8 starts, or while the file is being written. While V8
   * captures in process, the thread stands still and no JavaScript can abort anything: use `timeoutMs` for that.
   */
  signal?: AbortSignal
  /** Told of each phase. See `SnapshotProgress`. */
  onProgress?: (progress: SnapshotProgress) => void
}

/** A call, a signal, `rs-heapdump capture PID`, growth that is watched (`watch`), or the heap's limit. */
export type SnapshotTrigger = 'api' | 'signal' | 'capture' | 'watch' | 'near-limit'

/** A snapshot that is whole, on disk, under its name. */
export interface SnapshotInfo {
  /** Absolute path of the file. */
  path: string
  /** Size of the file in bytes. */
  bytes: number
  /** Nodes (objects) in the heap graph. */
  nodes: number
  /** Edges (references) in the heap graph. */
  edges: number
  /** How long the captured thread stood still, in milliseconds. */
  pauseMs: number
  /** From the start of the capture until the file had its name, in milliseconds. */
  durationMs: number
  /** The engine: `'live'` in a forked child, `'in-process'` through V8's own API, `'portable'` through `node:v8`. */
  mode: 'live' | 'in-process' | 'portable'
  /** Why it is not live, where that was preferred. */
  fallback?: string
  /** What asked for it. */
  trigger: SnapshotTrigger
  pid: number
  /** `worker_threads.threadId` of the captured thread; 0 is the main thread. */
  threadId: number
}

export type SnapshotErrorCode =
  | 'ERR_HEAPDUMP_IO'
  | 'ERR_HEAPDUMP_MEMORY'
  | 'ERR_HEAPDUMP_TIMEOUT'
  | 'ERR_HEAPDUMP_ABORTED'
  | 'ERR_HEAPDUMP_BUSY'
  | 'ERR_HEAPDUMP_UNSUPPORTED'
  | 'ERR_HEAPDUMP_FORMAT'
  | 'ERR_HEAPDUMP_ARGUMENT'

/** Every failure, from whichever form. */
export interface SnapshotError extends Error {
  code: SnapshotErrorCode
  /** Name of the system error (`'ENOSPC'`), with `ERR_HEAPDUMP_IO`. */
  errno?: string
  /** The call that failed, with `ERR_HEAPDUMP_IO`. */
  syscall?: string
  /** The file or directory concerned. */
  path?: string
  /** What the capture would need, in bytes, with `ERR_HEAPDUMP_MEMORY`, or on a disk that is too full. */
  neededBytes?: number
  /** What there is, in bytes, likewise. */
  availableBytes?: number
  /** Which limit is the tightest: `'cgroup'`, `'rlimit'` or `'machine'` with `ERR_HEAPDUMP_MEMORY`, or `'disk'`. */
  limit?: string
  /** What to do about it, where there is something to do. */
  hint?: string
}

export type SnapshotCallback = (error: SnapshotError | null, filename?: string) => void

/**
 * Writes a heap snapshot of the calling thread, synchronously: V8 stops the thread meanwhile.
 *
 * Takes a file name, options, or nothing. The callback is called before the function returns, with
 * the name as it was given. Without a callback a failure is also a process warning with its code.
 *
 * @returns whether the snapshot was written
 */
export function writeSnapshot(callback?: SnapshotCallback): boolean
export function writeSnapshot(
  filename: string | SnapshotOptions | null | undefined,
  callback?: SnapshotCallback,
): boolean

/**
 * Writes a heap snapshot of the calling thread and resolves when the file is whole.
 *
 * V8 captures on the JavaScript thread, so the thread still stands still (`pauseMs`); what runs
 * elsewhere is writing, flushing and naming the file. The capture starts in a later turn of the
 * event loop. Rejects with a `SnapshotError`.
 */
export function writeSnapshotAsync(filename?: string | AsyncSnapshotOptions): Promise<SnapshotInfo>

/** Collects all garbage of the calling thread's heap. Needs no `--expose-gc`. */
export function gc(): void

/** Defaults for snapshots made by a signal, by `watch` or for `rs-heapdump capture PID`, for the whole process. */
export interface Configuration {
  /** Where the files go; it must exist when the signal comes. Default: the working directory. */
  directory?: string
  /** Default: true. */
  gc?: boolean
  /** Default: true. */
  memoryGuard?: boolean
  /** Default: true. `'once'` numbers the calling thread's objects at once, if captures are to be live. */
  comparable?: boolean | 'once' | 'each'
  /** Whether the process goes on meanwhile. Default: false. */
  live?: boolean | 'prefer' | 'require'
  /** What the files are compressed with. Default: `false`. */
  compress?: false | 'gzip' | 'zstd'
  /** Leave out what strings contain. Default: false. */
  redact?: boolean
  /** How many files of ours stay in the directory. Default: `false`, all. */
  keep?: false | number
  /** Default: none. */
  timeoutMs?: number
  /** No lines on stderr. Default: false. */
  quiet?: boolean
  /**
   * Whom a signal covers. `'main'`: the main thread (where only workers have loaded the addon:
   * those). `'all'`: every thread that has loaded the addon, one file each. Default: `'main'`.
   */
  threads?: 'main' | 'all'
}

/**
 * Changes the defaults for snapshots that nobody calls for in the program. What is left out stays as it is. Which signal takes
 * them is settled when the addon is loaded (`NODE_HEAPDUMP_OPTIONS`).
 */
export function configure(options: Configuration): void

/** How much something may grow: a number of bytes, or `'50%'`, `'64KB'`, `'200MB'`, `'2GB'` (of 1024 each). */
export type Growth = number | string

/** What is watched for. What the snapshots are like is as `configure` has it, but for what is said here. */
export interface WatchOptions extends Omit<Configuration, 'threads'> {
  /**
   * Steps of live heap (after a full garbage collection) over the baseline, each good for one snapshot.
   * `false`: none. Default: `['50%', '150%']`.
   */
  heap?: Growth[] | false
  /** The same for the process' resident memory. Default: none. */
  rss?: Growth[] | false
  /** The same for what objects keep alive outside the heap, such as buffers. Default: none. */
  external?: Growth[] | false
  /** A snapshot of the settled heap too, to compare the others with. Default: true. */
  baseline?: boolean
  /** One snapshot before the heap reaches its limit, always in process. Default: true. */
  nearLimit?: boolean
  /**
   * The heap is measured at this interval, in milliseconds, until two measurements agree within 10 %: that is the
   * baseline. After 12 there is one in any case. Default: 10,000.
   */
  settleMs?: number
  /** From one snapshot to the next, at least, in milliseconds. Default: 30,000. */
  minIntervalMs?: number
}

/** A growth that is watched for. */
export interface WatchedStep {
  metric: 'heap' | 'rss' | 'external'
  /** As it was asked for: `'50%'`, or bytes. */
  growth: string
  /** What has to be reached, in bytes; there once there is a baseline. */
  thresholdBytes?: number
  /** Its snapshot. One snapshot may do for several steps. */
  path?: string
}

/** Watches the memory of one thread. */
export interface Watcher {
  /**
   * `'settling'`: there is no baseline yet. `'done'`: every step has its snapshot (`nearLimit` may still be armed).
   */
  readonly state: 'settling' | 'watching' | 'done' | 'stopped'
  /** The settled heap, in bytes, and its snapshot, if there is one. */
  readonly baseline: { heapBytes: number; rssBytes: number; externalBytes: number; path?: string } | undefined
  readonly steps: WatchedStep[]
  /** Whether there will be a snapshot near the limit; `'spent'`: there was one, or an attempt, or it was stopped. */
  readonly nearLimit: 'armed' | 'spent' | 'off'
  /** Ends it, with whatever snapshot is under way. */
  stop(): void
}

/**
 * Takes snapshots of the calling thread when its memory grows, and one near the heap's limit. The process does
 * not stay alive for it. A thread has one watcher: a new one stops the one before. Where a snapshot is refused or fails,
 * there is none for ten minutes, then twenty, and so on.
 *
 * Where V8's functions are not to be found (`support().mode` is `'portable'`), growth is watched by a timer instead, and
 * there is no snapshot near the limit (`nearLimit` is `'off'`).
 */
export function watch(options?: WatchOptions): Watcher

/** A request that was not followed by a snapshot of its own. */
export interface SkippedSnapshot {
  /**
   * `'coalesced'`: a snapshot that will be taken anyway answers this request too. `'garbage'`: what looked like growth
   * was gone after a collection. `'memory'`, `'disk'`: there is too little left.
   */
  reason: 'coalesced' | 'garbage' | 'memory' | 'disk'
  trigger: 'signal' | 'watch' | 'near-limit'
  pid: number
  threadId: number
  /** The refusal, with its figures. */
  error?: SnapshotError
}

/** A snapshot that was to be live and was made otherwise; `'snapshot'` follows. */
export interface Fallback {
  reason: string
  mode: 'in-process' | 'portable'
  trigger: SnapshotTrigger
  pid: number
  threadId: number
}

/**
 * Tells what happened, whoever asked for it: an API call in this thread, a signal, `rs-heapdump capture PID`, or what is watched. The main
 * thread also hears of the snapshots of workers that nobody called for there (see `threadId`). An `'error'` that nobody
 * listens to is not thrown. Listeners keep neither the process nor the worker alive.
 */
export function on(event: 'snapshot', listener: (info: SnapshotInfo) => void): void
export function on(event: 'error', listener: (error: SnapshotError) => void): void
export function on(event: 'skipped', listener: (skipped: SkippedSnapshot) => void): void
export function on(event: 'fallback', listener: (fallback: Fallback) => void): void
export function once(event: 'snapshot', listener: (info: SnapshotInfo) => void): void
export function once(event: 'error', listener: (error: SnapshotError) => void): void
export function once(event: 'skipped', listener: (skipped: SkippedSnapshot) => void): void
export function once(event: 'fallback', listener: (fallback: Fallback) => void): void
export function off(event: 'snapshot', listener: (info: SnapshotInfo) => void): void
export function off(event: 'error', listener: (error: SnapshotError) => void): void
export function off(event: 'skipped', listener: (skipped: SkippedSnapshot) => void): void
export function off(event: 'fallback', listener: (fallback: Fallback) => void): void

/** Which rows to answer with. */
export interface RowOptions<Key extends string> {
  /** At most so many; 0 and by default: all. */
  top?: number
  /** What to order by. */
  sort?: Key
  /** Only rows whose name or place holds this text, in either case. */
  filter?: string
}

/** Where a constructor or a function is; 1-based. */
export interface ScriptPlace {
  file: string | null
  line: number
  column: number
}

/** Counts and sizes of a snapshot. */
export interface SnapshotFacts {
  file: string
  nodes: number
  edges: number
  /** Size of the heap in the snapshot, in bytes. */
  bytes: number
  file_bytes: number
}

/** A constructor, as in DevTools' Summary. */
export interface SummaryRow {
  name: string
  script: ScriptPlace | null
  count: number
  shallow_bytes: number
  retained_bytes: number
  /** Steps from the program's global objects; `null` where only V8's own roots hold the objects, or nothing does. */
  distance: number | null
}

/** What `rs-heapdump summary --json` prints. */
export interface Summary {
  version: 1
  snapshot: SnapshotFacts
  totals: { classes: number; count: number; shallow_bytes: number }
  classes: SummaryRow[]
}

/** What came and went: objects, and their bytes. */
export interface Changes {
  added: number
  removed: number
  delta: number
  added_bytes: number
  removed_bytes: number
  delta_bytes: number
}

/** A constructor, as in DevTools' Comparison. */
export interface DiffRow extends Changes {
  name: string
  script: ScriptPlace | null
  /** Objects in each snapshot. */
  counts: number[]
  /** Ids of a few of the new ones; none where ids do not compare. */
  samples: number[]
}

/** What `rs-heapdump diff --json` prints. */
export interface Diff {
  version: 1
  snapshots: SnapshotFacts[]
  /** Whether objects were compared one by one, partly (live captures: those with stable ids), or only counted, and why. */
  ids: 'comparable' | 'partly' | 'different-process' | 'unstable'
  /** All changed classes together, whether they are listed or not. */
  totals: Changes & { classes: number }
  classes: DiffRow[]
}

/** An object of a snapshot. */
export interface SnapshotObject {
  id: number
  name: string
  type: string
  script: ScriptPlace | null
  shallow_bytes: number
  retained_bytes: number
  distance: number | null
}

/** A stop on the way from a root to an object. */
export interface PathStop extends SnapshotObject {
  /** What led here from the stop before, as DevTools names it; `null` at the first. */
  edge: string | null
  node: string
  class: string
  /** Whether every way to the object passes here. */
  sole: boolean
}

/** What `rs-heapdump retainers --json` prints. */
export interface Retainers {
  version: 1
  snapshot: SnapshotFacts
  target: {
    class: string | null
    count: number
    /** How many of them were looked at. */
    sampled: number
    shallow_bytes: number
    retained_bytes: number
    object: SnapshotObject
  }
  /** The object without which this one would be garbage, where there is one but a root. */
  kept_only_by: SnapshotObject | null
  paths: {
    /** How many of the objects that were looked at are held like this. */
    objects: number
    /** The id of one of them. */
    example: number
    /** Stops left out. */
    omitted: number
    path: PathStop[]
  }[]
}

/** A snapshot that is open for questions, which are answered off the event loop. */
export interface Snapshot {
  readonly file: string
  readonly nodes: number
  readonly edges: number
  /** Size of the heap in the snapshot, in bytes. */
  readonly bytes: number
  /** Constructors by retained size. */
  summary(options?: RowOptions<'retained' | 'shallow' | 'count' | 'distance' | 'name'>): Promise<Summary>
  /** What came and went from this snapshot to a later one, or to that in a file. Reads both files again. */
  diff(
    later: Snapshot | string,
    options?: RowOptions<
      'deltaBytes' | 'delta' | 'added' | 'removed' | 'addedBytes' | 'removedBytes' | 'count' | 'name'
    >,
  ): Promise<Diff>
  /** The shortest telling paths that keep an object, or the objects of a class: three unless `top` says otherwise (0: all). */
  retainers(options: { id: number; top?: number } | { className: string; top?: number }): Promise<Retainers>
  /** Frees the snapshot; later questions fail. A snapshot that is garbage is closed by itself. */
  close(): void
}

/**
 * Reads a `.heapsnapshot`, plain or compressed with gzip or zstd, off the event loop.
 * Takes about as much memory as the file is large, uncompressed. With `redact` what strings contain is left out of all answers; not together
 * with `salvage`. Rejects with a `SnapshotError`.
 */
export function openSnapshot(file: string, options?: { salvage?: boolean; redact?: boolean }): Promise<Snapshot>

/** Which suspects to answer with, and how to read the files. */
export interface LeakOptions {
  /** At most so many; 0 and by default: all. */
  top?: number
  /** Only suspects with this text in their owner, cause, class or place, in either case. */
  filter?: string
  /** Read files that end inside their strings as far as they go. Default: false. */
  salvage?: boolean
  /** Leave out what strings contain, names that may be data, and lines of source. Not together with `salvage`. Default: false. */
  redact?: boolean
}

/** Why something leaks: a rule of its own for each; `unnamed` where none fits. */
export type LeakCause =
  | 'event-listeners'
  | 'event-target-listeners'
  | 'closure-context'
  | 'timers'
  | 'promises'
  | 'suspended-functions'
  | 'map-cache'
  | 'set-cache'
  | 'object-cache'
  | 'array'
  | 'global'
  | 'module-state'
  | 'sliced-strings'
  | 'off-heap-memory'
  | 'http-agent'
  | 'socket-listeners'
  | 'async-local-storage'
  | 'vm-contexts'
  | 'finalization-registry'
  | 'unnamed'

/** A line of the program; 1-based. */
export interface LeakLine {
  file: string | null
  line: number
  column: number
  /** The function or constructor; empty if it has no name. */
  function: string
  /** The same place in the file that ran, where a source map led here. */
  generated?: LeakLine
}

/** Lines around a place, as they stand in its file on disk. */
export interface CodeFrame {
  of: 'source' | 'holder'
  file: string
  line: number
  column: number
  /** Number of the first of `lines`. */
  first_line: number
  lines: string[]
  /** Why these may not be the lines that ran. */
  warning: string | null
}

/** Something that grows and does not stop. Lists with a figure for each snapshot are in the order of the files. */
export interface LeakSuspect {
  rank: number
  cause: LeakCause
  /** The cause in plain words. */
  name: string
  /** What happens here. */
  why: string
  /** What to do. */
  advice: string
  /** The one place that holds it all, as one would write it: `bus._events.price`, `sessions`. */
  owner: string
  /** The owner's id. */
  owner_id: number
  /** Entries of the owner, or objects behind it. */
  counts: number[]
  retained_bytes: number[]
  /** The constructor that grows. */
  grows: { class: string; counts: number[] }
  /** At most five, of what has keys. */
  sample_keys: string[]
  /** The closure or constructor that makes what leaks. */
  source: LeakLine | null
  /** The function or module whose variables hold the owner. */
  holder: LeakLine | null
  frames: CodeFrame[]
  /** What a function that leaks keeps, and which functions beside it use that; where its file was there to be read. */
  kept_variables?: KeptVariable[]
  /** From a root to the owner, and to one of what it should not hold. */
  path: { edge: string | null; node: string; class: string; id: number; script: ScriptPlace | null }[]
  /** Ids of a few new objects. */
  samples: number[]
}

/** A variable that a function keeps. */
export interface KeptVariable {
  name: string
  /** Whether the function that keeps it uses it. */
  used_by_keeper: boolean
  /** Functions made beside it that use the variable: they share it, as V8 gives all of them one context. */
  used_by: LeakLine[]
}

/** What `rs-heapdump leaks --json` prints. */
export interface LeakReport {
  version: 1
  snapshots: SnapshotFacts[]
  /** Whether objects were recognised by their ids, partly (live captures: those with stable ids), or by their places. */
  ids: 'comparable' | 'partly' | 'different-process' | 'unstable'
  /** What the root retains in each snapshot, and how much of the growth the suspects explain. */
  growth: { bytes: number[]; explained_bytes: number }
  /** What to know about the answer: what a further snapshot would settle. */
  notes: string[]
  /** The most suspicious first; empty where nothing leaks. */
  suspects: LeakSuspect[]
}

/**
 * Says what grows through snapshots of one process, or of runs of one program, who holds it, on which line, and why; off the event loop.
 * Takes the files of two snapshots or more, the earliest one first; three tell a leak from warm-up. Needs about
 * as much memory as the largest file is large, uncompressed. Rejects with a `SnapshotError`.
 */
export function findLeaks(files: string[], options?: LeakOptions): Promise<LeakReport>

/** Whether something works here, and why not. */
export interface Capability {
  available: boolean
  /** How it is done, or why it cannot be. */
  detail: string
  /** What to do where it cannot be, if there is something to do. */
  hint?: string
}

/** What works on this Node and this platform. */
export interface Support {
  version: string
  node: string
  v8: string
  platform: string
  arch: string
  /** The engine that captures here. */
  mode: 'in-process' | 'portable'
  /** Capturing through V8's own API, with counting, progress and time-outs. */
  inProcess: Capability
  /** Capturing while the process goes on (`live`). */
  live: Capability
  /** `gc()` through V8's own API. */
  gc: Capability
  /** Snapshots by signal; its name, SIGUSR2 unless `NODE_HEAPDUMP_OPTIONS=signal=NAME` says otherwise. */
  signal: Capability
  /** Snapshots by signal while JavaScript never returns to the event loop. */
  blockedLoop: Capability
  /** Being captured by `rs-heapdump capture PID`, which waits for the outcome; without it, that goes by Node's inspector. */
  capture: Capability
  /** Refusing a capture that would not fit into memory. */
  memoryGuard: Capability
  /** Giving freed memory back to the system after a capture. */
  memoryReturn: Capability
  /** Keeping captures linear on bundled scripts (needed by Node 16 to 20 only). */
  lineEnds: Capability
}

/** What works on this Node and this platform, and why not. */
export function support(): Support
