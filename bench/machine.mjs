// The facts about the machine that a reader of the results needs. No names, no paths.

import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import os from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * @param {string} root of the package
 * @param {string} output the directory that captures are written to
 */
export async function machineFacts(root, output) {
  await mkdir(output, { recursive: true })
  const fileSystem = await run('stat', ['--file-system', '--format=%T', output]).catch(() => null)
  const commit = await run('git', ['describe', '--always', '--dirty', '--exclude=*'], { cwd: root }).catch(() => null)
  return {
    cores: os.cpus().length,
    cpu: os.cpus()[0]?.model.trim() || os.arch(),
    memoryBytes: os.totalmem(),
    kernel: `${os.type()} ${os.release()}`,
    fileSystem: fileSystem?.stdout.trim() ?? 'unknown',
    load: os.loadavg()[0],
    commit: commit?.stdout.trim() ?? 'unknown',
    date: new Date().toISOString().slice(0, 10),
  }
}
