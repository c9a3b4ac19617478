import { dispatch, select } from './store.mjs'

let next = 0
export async function load(count) {
  for (let n = 0; n < count; n++) {
    const id = `item-${next++}`
    dispatch({ type: 'received', item: { id, title: `Item ${next}`, tags: ['new', 'unread'], author: { name: 'someone' } } })
    dispatch({ type: 'filtered', filter: n % 2 ? 'all' : 'unread' })
    select((state) => state.order)
  }
}
