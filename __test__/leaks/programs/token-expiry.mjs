// One-time codes, valid for an hour.
import { randomBytes } from 'node:crypto'

const HOUR_MS = 60 * 60 * 1000

export function issueCode(user) {
  const code = randomBytes(16).toString('hex')
  const grant = { user, code, scopes: ['read', 'write', `tenant:${user.tenant}`], used: false }
  setTimeout(function expire() {
    grant.used = true
    grant.user = undefined
  }, HOUR_MS).unref()
  return code
}

export async function load(count) {
  for (let n = 0; n < count; n++) {
    const profile = { name: `user ${n}`, tenant: n % 7, roles: Array.from({ length: 12 }, (_, role) => ({ role, of: n })) }
    issueCode(profile)
    await null
  }
}
