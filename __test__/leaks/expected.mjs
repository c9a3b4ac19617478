// What each program of the corpus is: whether it grows, who the owner is, and in which file.
//
//   leaks   whether anything grows without bound
//   owner   the owner of the first suspect matches one of these; each pins the last name of the owner
//   file    the base names, one of which is where the first suspect comes from or where its owner lives
//   cause   the causes that fit (reported, but not counted)
//   nodes   the Node versions that it runs on
//
// An owner's name ends at `name(…)`: \b does for what begins with a letter, and `#` is optional where
// the file has a private field, because V8 spells it with.

const ANY_NODE = '>=18'
const growing = (owner, file, ...cause) => ({
  leaks: true,
  owner: [owner].flat(),
  file: [file].flat(),
  cause,
  nodes: ANY_NODE,
})

export const EXPECTED = {
  // Listeners
  'price-alerts': growing(/\bbus\b.*\bprice\b/, 'price-alerts.cjs', 'event-listeners'),
  'pool-errors': growing(/\bpool\b.*\berror\b/i, ['pool.cjs', 'repository.cjs'], 'event-listeners'),
  'process-warnings': growing(/\bprocess\b.*\bwarning\b/, 'process-warnings.mjs', 'event-listeners'),
  'keep-alive-listeners': growing(
    /\b(socket|agent|freeSockets|sockets)\b.*\btimeout\b/i,
    'keep-alive-listeners.cjs',
    'socket-listeners',
    'http-agent',
    'event-listeners',
  ),
  'request-shutdown-signal': growing(
    /\b(shutdown|signal)\b.*\babort\b|\bshutdown\.signal\b/i,
    'request-shutdown-signal.mjs',
    'event-target-listeners',
  ),
  'metric-target': growing(/\btelemetry\b/i, 'metric-target.cjs', 'event-target-listeners'),

  // Closures, timers, promises, suspended functions
  'replaced-client': growing(/\b(feed|previous)\b/, 'replaced-client.cjs', 'closure-context'),
  'lazy-reports': growing(/\bactions\b/, 'lazy-reports.cjs', 'closure-context', 'array'),
  heartbeats: growing(/\b30[_,]?000\b|\bsetInterval\b|\bintervals?\b|\bheartbeat\b/i, 'heartbeats.cjs', 'timers'),
  'token-expiry': growing(
    /\b3[_,]?600[_,]?000\b|\bsetTimeout\b|\btimeouts?\b|\bexpire\b/i,
    'token-expiry.mjs',
    'timers',
  ),
  'race-drain': growing(/\bdraining\b/, 'race-drain.mjs', 'promises'),
  'gateway-ready': growing(/\bready\b/, 'gateway-ready.cjs', 'promises'),
  'license-wait': growing(/granted\b/, 'license-wait.cjs', 'suspended-functions', 'promises'),
  'export-cursors': growing(/\bcursors\b/, 'export-cursors.mjs', 'map-cache', 'suspended-functions'),

  // Collections
  'session-store': growing(/\bsessions\b/, 'session-store.cjs', 'map-cache'),
  'geo-resolver': growing(/\bresolver\b.*entries\b|#entries\b/, 'geo-resolver.mjs', 'map-cache'),
  'tenant-users': growing(/\btenants\b/, 'directory.mjs', 'map-cache'),
  'model-registry': growing(/\bModel\.cache\b/, 'model-registry.cjs', 'map-cache'),
  'webhook-dedupe': growing(/\bseenDeliveries\b/, 'webhook-dedupe.cjs', 'set-cache'),
  'page-cache': growing(/\bpages\b/, 'page-cache.cjs', 'object-cache'),
  'distance-memo': growing(/\bresults\b/, 'distance-memo.cjs', 'object-cache'),
  'audit-service': growing(/\brecords\b/, 'audit-service.cjs', 'array'),
  'sloppy-stats': growing(/\bresponseTimes\b/, 'sloppy-stats.cjs', 'global', 'array'),
}
