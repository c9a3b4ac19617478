import { hub } from './hub.mjs'
import { Peer } from './peer.mjs'

export async function load(count) {
  for (let id = 0; id < count; id++) {
    const peer = new Peer(id)
    hub.publish('news', { id, headline: `Headline ${id}` })
    peer.close()
    await null
  }
}
