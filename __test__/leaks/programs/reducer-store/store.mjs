let state = { entities: {}, order: 0, filter: 'all' }

function reduce(previous, action) {
  switch (action.type) {
    case 'received':
      return { ...previous, order: previous.order + 1, entities: { ...previous.entities, [action.item.id]: action.item } }
    case 'filtered':
      return { ...previous, filter: action.filter }
    default:
      return previous
  }
}

export function dispatch(action) {
  state = reduce(state, action)
}
export const select = (selector) => selector(state)
