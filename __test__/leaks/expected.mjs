// What each program of the corpus is: whether it grows, who the owner is, and in which file.
//
//   leaks   whether anything grows without bound
//   owner   the owner of the first suspect matches one of these; each pins the last name of the owner
//   file    the base names, one of which is where the first suspect comes from or where its owner lives
//   cause   the causes that fit (reported, but not counted)
//   nodes   the Node versions that it runs on
//
// Private fields may be spelt with `#` or without.

const ANY_NODE = '>=18'
const growing = (owner, file, ...cause) => ({
  leaks: true,
  owner: [owner].flat(),
  file: [file].flat(),
  cause,
  nodes: ANY_NODE,
})

const steady = () => ({ leaks: false, owner: [], file: [], cause: [], nodes: ANY_NODE })

export const EXPECTED = {
  // Listeners
  'price-alerts': growing(/\bbus\b.*\bprice\b/, 'price-alerts.cjs', 'event-listeners'),
  'pool-errors': growing(/\bpool\b.*\berror\b/i, ['pool.cjs', 'repository.cjs'], 'event-listeners'),
  'process-warnings': growing(/\bprocess\b.*\bwarning\b/, 'process-warnings.mjs', 'event-listeners'),
  'request-shutdown-signal': growing(
    /\bshutdown\b.*\b(signal|abort)\b/i,
    'request-shutdown-signal.mjs',
    'event-target-listeners',
  ),
  'metric-target': growing(/\btelemetry\b/i, 'metric-target.cjs', 'event-target-listeners'),
  // One connection, kept alive: its name depends on which of its two or three holders one looks at.
  'keep-alive-listeners': growing(
    /\b(socket|agent|freeSockets|sockets)\b.*\btimeout\b/i,
    'keep-alive-listeners.cjs',
    ...['socket-listeners', 'event-listeners', 'http-agent'],
  ),
  'upload-sockets': growing(
    /\b(socket|connections?|server)\b.*\bclose\b/i,
    'upload-sockets.cjs',
    ...['socket-listeners', 'event-listeners'],
  ),
  // The iterator of `on()` is held by the listeners that it has added, for its event and for errors.
  'row-stream': growing(/\bfeed\._events\b/, 'row-stream.mjs', 'event-listeners', 'suspended-functions'),
  'topic-hub': growing(/\btopics\b.*\bnews\b/, ['hub.mjs', 'peer.mjs'], 'array', 'closure-context', 'event-listeners'),

  // Closures that keep what others of their context use
  'replaced-client': growing(/\b(feed|previous)\b/, 'replaced-client.cjs', 'closure-context'),
  'lazy-reports': growing(/\bactions\b/, 'lazy-reports.cjs', 'closure-context', 'array'),
  'middleware-chain': growing(/\b(handle|next)\b/, 'middleware-chain.cjs', 'closure-context'),

  // Timers: some would write the call, some the delay
  heartbeats: growing(/\b30[_,]?000\b|\bsetInterval\b|\bintervals?\b|\bheartbeat\b/i, 'heartbeats.cjs', 'timers'),
  'build-watch': growing(/\b600[_,]?000\b|\bsetInterval\b|\bintervals?\b/i, 'build-watch.cjs', 'timers'),
  'token-expiry': growing(
    /\b3[_,]?600[_,]?000\b|\bsetTimeout\b|\btimeouts?\b|\bexpire\b/i,
    'token-expiry.mjs',
    'timers',
  ),

  // Promises, and functions that wait for them
  'race-drain': growing(/\bdraining\b/, 'race-drain.mjs', 'promises'),
  'gateway-ready': growing(/\bready\b/, 'gateway-ready.cjs', 'promises'),
  'license-wait': growing(/#granted\b|\bgranted\b/, 'license-wait.cjs', 'suspended-functions', 'promises'),
  'export-cursors': growing(/\bcursors\b/, 'export-cursors.mjs', 'map-cache', 'suspended-functions'),

  // Maps and Sets
  'session-store': growing(/\bsessions\b/, 'session-store.cjs', 'map-cache'),
  'geo-resolver': growing(/#entries\b|\bentries\b/, 'geo-resolver.mjs', 'map-cache'),
  'tenant-users': growing(/\btenants\b/, 'directory.mjs', 'map-cache'),
  'model-registry': growing(/\b(Model|Article|Comment)\.cache\b/, 'model-registry.cjs', 'map-cache'),
  'route-metrics': growing(/#series\b|\bseries\b/, 'route-metrics.cjs', 'map-cache'),
  'webhook-dedupe': growing(/\bseenDeliveries\b/, 'webhook-dedupe.cjs', 'set-cache'),
  'app-annotations': growing(/\bnotes\b/, 'app-annotations.cjs', 'array', 'map-cache', 'unnamed'),

  // Most of what comes goes again; some stays
  'abandoned-carts': growing(/\bcarts\b/, 'abandoned-carts.mjs', 'map-cache'),
  'lobby-members': growing(/\bmembers\b/, 'lobby-members.cjs', 'set-cache'),
  'chunk-uploads': growing(/\buploads\b/, 'chunk-uploads.mjs', 'object-cache'),
  // A cache that fills, larger than what grows beside it
  'catalog-views': growing(/\bviews\b/, 'catalog-views.cjs', 'map-cache'),

  // Objects that serve as maps
  'page-cache': growing(/\bpages\b/, 'page-cache.cjs', 'object-cache'),
  'distance-memo': growing(/\bresults\b/, 'distance-memo.cjs', 'object-cache'),
  'orm-bundle': growing(/\bidentityMap\b/, 'bundle.cjs', 'object-cache'),
  'rpc-pending': growing(/\bpending\b/, 'rpc-pending.mjs', 'object-cache', 'array'),

  // Arrays, lists, strings
  'audit-service': growing(/\brecords\b/, 'audit-service.cjs', 'array'),
  'drawing-undo': growing(/#past\b|\bpast\b/, 'drawing-undo.mjs', 'array'),
  'error-journal': growing(/#errors\b|\berrors\b/, 'error-journal.cjs', 'array'),
  'mail-queue': growing(/\boutbox\b/, 'mail-queue.cjs', 'module-state', 'array', 'unnamed'),
  'chat-transcript': growing(/\btranscript\b/, 'chat-transcript.cjs', 'module-state', 'unnamed'),

  // What modules and the whole process share
  'sloppy-stats': growing(/\bresponseTimes\b/, 'sloppy-stats.cjs', 'global', 'array'),
  'global-trail': growing(/\bauditTrail\b/, 'global-trail.mjs', 'global', 'array'),
  'shared-registry': growing(
    /\b__componentRegistry__\b.*\bcomponents\b/,
    'shared-registry.cjs',
    ...['global', 'object-cache'],
  ),
  'job-tracker': growing(/\bfinishedJobs\b/, ['state.cjs', 'worker.cjs', 'index.cjs'], ...['module-state', 'array']),
  'reducer-store': growing(/\bentities\b/, 'store.mjs', 'module-state', 'object-cache'),

  // Small things that keep large ones
  'csrf-tokens': growing(/\brecentTokens\b/, 'csrf-tokens.cjs', 'sliced-strings', 'array'),
  'header-names': growing(/\bheadings\b/, 'header-names.mjs', 'sliced-strings', 'map-cache'),
  'image-signatures': growing(/\bsignatures\b/, 'image-signatures.cjs', 'off-heap-memory', 'array'),
  'waveform-store': growing(/\btakes\b/, 'waveform-store.mjs', 'off-heap-memory', 'map-cache'),

  // What Node holds for the application
  'silent-upstream': growing(/\bagent\b.*\brequests\b/i, 'silent-upstream.cjs', 'http-agent'),
  'tenant-hosts': growing(/\bagent\b.*\b(freeSockets|sockets)\b/i, 'index.cjs', 'http-agent'),
  'trace-store': growing(/\bspans\b/, 'trace-store.mjs', 'async-local-storage', 'array'),
  // Two ways to see it: the timers that keep contexts, the contexts that timers keep.
  'request-context': growing(
    [/\b86[_,]?400[_,]?000\b|\bsetTimeout\b|\btimeouts?\b/i, /\bcontext\b/],
    'request-context.cjs',
    ...['async-local-storage', 'timers'],
  ),
  'rule-sandboxes': growing(/\bsandboxes\b/, 'rule-sandboxes.cjs', 'vm-contexts', 'map-cache'),
  'handle-cleanup': growing(/\bcleanup\b/, 'handle-cleanup.mjs', 'finalization-registry'),

  // Packages
  'lodash-quotes': growing(/\bfetchQuote\b|\bcache\b/, 'lodash-quotes.cjs', 'object-cache', 'map-cache'),
  'prometheus-paths': growing(/\bhashMap\b/, 'prometheus-paths.cjs', 'object-cache', 'map-cache'),
  'express-hot-routes': growing(/\bstack\b/, 'express-hot-routes.cjs', 'array'),
  'express-visits': growing(/\bsessions\b/, 'express-visits.cjs', 'object-cache'),
  'ws-rpc': growing(/\b(web)?socket\b.*\bmessage\b/i, 'ws-rpc.mjs', 'event-listeners', 'socket-listeners'),
  'node-cache-profiles': growing(/\bprofiles\b/, 'node-cache-profiles.cjs', 'object-cache'),
  'rxjs-dashboard': growing(/\b(observers|currentObservers)\b/, 'rxjs-dashboard.mjs', 'array', 'event-listeners'),
  'dataloader-users': growing(/\b_cacheMap\b/, 'dataloader-users.mjs', 'map-cache'),
  'ajv-forms': growing(
    /\bajv\b.*\b(_cache|scope|_values)\b/i,
    'ajv-forms.cjs',
    'map-cache',
    'object-cache',
    'set-cache',
  ),
  'eventemitter3-players': growing(/\bworld\b.*\btick\b/, 'eventemitter3-players.mjs', 'event-listeners', 'array'),
  'queue-throttle': growing(/\bthumbnails\b/, 'queue-throttle.mjs', 'array'),
  'winston-requests': growing(/\btransport\b/, 'winston-requests.cjs', 'event-listeners'),

  // What services keep of clients, requests and answers
  'chat-clients': growing(/#?\bclients\b/, 'chat-clients.cjs', 'map-cache'),
  'inflight-quotes': growing(/\binFlight\b/, 'inflight-quotes.mjs', 'set-cache'),
  'order-replies': growing(/\breplies\b.*_events\b/, 'order-replies.cjs', 'event-listeners'),
  'exit-hooks': growing(/\bprocess\b.*\bexit\b/, 'exit-hooks.cjs', 'event-listeners'),
  'feed-backlog': growing(/\bfeed\b.*\bbuffer\b/, 'feed-backlog.mjs', 'array', 'module-state', 'unnamed'),
  'channel-replies': growing(/\bport1\b.*\bmessage\b/, 'channel-replies.mjs', 'event-target-listeners'),

  // What classes and functions have of their own
  'widget-instances': growing(/\bWidget\.instances\b/, 'widget-instances.cjs', 'array'),
  'symbol-audit': growing(/\b(kTrail|trail)\b/, 'symbol-audit.cjs', 'array'),
  'cart-history': growing(/\bhistory\b/, 'cart-history.cjs', 'array'),
  'permission-memo': growing(/\bknown\b/, 'permission-memo.cjs', 'map-cache'),
  'price-formats': growing(/#?\bformats\b/, 'price-formats.mjs', 'map-cache'),
  'weak-documents': growing(/\bopen\b/, 'weak-documents.mjs', 'map-cache'),
  'formula-scripts': growing(/\bcompiled\b/, 'formula-scripts.cjs', 'object-cache'),
  'file-previews': growing(/\bpreviews\b/, 'file-previews.cjs', 'off-heap-memory', 'array'),

  // Programs that do not grow, or stop growing
  'pending-replies': steady(),
  'locale-tables': steady(),
  'recent-searches': steady(),
  'flush-buffers': steady(),
  'reload-listeners': steady(),
  'bounded-memo': steady(),
  'batch-writer': steady(),
  'express-items': steady(),
  'fastify-quotes': steady(),
  'gzip-pipeline': steady(),
  'handlebars-pages': steady(),
  'hash-worker': steady(),
  'hot-numerics': steady(),
  'interned-tags': steady(),
  'keep-alive-traffic': steady(),
  'lazy-plugins': steady(),
  'lru-cache-sessions': steady(),
  'lru-thumbnails': steady(),
  'once-listeners': steady(),
  'polling-window': steady(),
  'ring-log': steady(),
  'short-timers': steady(),
  'store-scopes': steady(),
  'warm-pool': steady(),
  'weak-details': steady(),
}

/**
 * What else the owner may be called in redacted snapshots, where a part of its name is data as far as the file tells: the
 * same object at the same place, with a tag for that part.
 *
 * channel-replies, request-shutdown-signal: the type of an event is a string, the key of a Map; it is shown where a variable
 * that is called so is alive.
 * shared-registry: the only code with the global's name in it has run once, and V8 has let go of its constants.
 */
export const BY_TAG = {
  'channel-replies': /^port1\[kEvents\]\.get\('~[0-9a-z]{6}'\)\.next$/,
  'request-shutdown-signal': /^shutdown\[kSignal\]\[kEvents\]\.get\('~[0-9a-z]{4}'\)\.next$/,
  'shared-registry': /^globalThis\['~[0-9a-z]{13}\*{7}'\]\.components$/,
}
