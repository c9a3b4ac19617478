// Memory cgroups of our own, versions 1 and 2, for tests in which memory runs out.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { NODE, ROOT, until, whyNotWorking } from './helpers.mjs'

export const MIB = 1024 * 1024

let made = 0

/**
 * Makes a memory cgroup below the one that we are in; `start` takes its `wrapper`.
 *
 * What is mapped from files is charged to the cgroup that reads it first. If that were this one, the
 * kernel would drop and reread the code of Node for minutes where memory is to run out at once; so the
 * files are read here, before.
 */
export function makeCgroup() {
  readOutside()
  const [, mountPoint, type] = /^\S+ (\S+) (cgroup2?) /.exec(memoryMounts()[0] ?? '') ?? []
  if (!mountPoint) throw new Error('none is mounted')
  const v2 = type === 'cgroup2'
  const ours = v2 ? /^0::(.*)$/m : /^\d+:(?:\S*,)?memory(?:,\S*)?:(.*)$/m
  const own = ours.exec(fs.readFileSync('/proc/self/cgroup', 'utf8'))[1]
  // Inside a container the path may be the host's, and the mount point is what we are in.
  const parent = [path.join(mountPoint, own), mountPoint].find((each) => fs.existsSync(each))
  const directory = path.join(parent, `rs-heapdump-test-${process.pid}-${++made}`)
  fs.mkdirSync(directory)
  const file = (name) => path.join(directory, name)
  const read = (name) => fs.readFileSync(file(name), 'utf8')
  const keyed = (name, key) => Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(read(name))?.[1] ?? 0)
  const usage = v2 ? 'memory.current' : 'memory.usage_in_bytes'
  const limit = v2 ? 'memory.max' : 'memory.limit_in_bytes'
  const cgroup = {
    v2,
    directory,
    wrapper: ['sh', '-c', `echo $$ > ${directory}/cgroup.procs && exec "$0" "$@"`],
    file,
    limit: file(limit),
    /** Files that a script can tell from what is used: all, and what the kernel drops first. */
    usage: file(usage),
    droppable: v2 ? 'inactive_file' : 'total_inactive_file',
    /** Leaves so many bytes to what is in it. */
    leave: (bytes) => fs.writeFileSync(file(limit), String(Number(read(usage)) + bytes)),
    /** Processes that the kernel killed in it. */
    kills: () => keyed(v2 ? 'memory.events' : 'memory.oom_control', 'oom_kill'),
    /** Waits until it is empty: who was killed may still be about to go. */
    remove: async () => {
      for (const pid of read('cgroup.procs').split('\n').filter(Boolean)) kill(Number(pid))
      await until(() => tryToRemove(directory), `${directory} to be empty`)
    },
  }
  process.once('exit', () => fs.existsSync(directory) && tryToRemove(directory))
  return cgroup
}

/** Why we cannot make one that limits a process, or `false`. */
export function whyNoCgroup() {
  if (process.platform !== 'linux') return 'cgroups are Linux’s'
  let cgroup
  try {
    cgroup = makeCgroup()
    fs.accessSync(cgroup.limit, fs.constants.W_OK)
    return whyNotWorking('sh', [...cgroup.wrapper.slice(1), 'true'], 'no memory cgroup of our own')
  } catch (error) {
    return `no memory cgroup of our own: ${error.message}`
  } finally {
    if (cgroup) tryToRemove(cgroup.directory)
  }
}

/** The lines of the mount table for a memory cgroup, version 1 first: where both are, it counts. */
function memoryMounts() {
  const mounts = fs.readFileSync('/proc/mounts', 'utf8').split('\n')
  const isV1 = (line) => / cgroup \S*\bmemory\b/.test(line)
  const isV2 = (line) => / cgroup2 /.test(line)
  return [...mounts.filter(isV1), ...mounts.filter(isV2)]
}

/** Has the files that a test process maps in memory already, on whoever's account. */
function readOutside() {
  const addons = fs.readdirSync(ROOT).filter((name) => name.endsWith('.node'))
  execFileSync('cat', [NODE, ...addons.map((name) => path.join(ROOT, name))], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has gone.
  }
}

function tryToRemove(directory) {
  try {
    fs.rmdirSync(directory)
    return true
  } catch (error) {
    if (error.code !== 'EBUSY') throw error
    return false
  }
}
