const tenants = new Map()

export function remember(tenant, user) {
  let users = tenants.get(tenant)
  if (!users) {
    users = new Map()
    tenants.set(tenant, users)
  }
  users.set(user.id, user)
  return users.size
}

export function find(tenant, id) {
  return tenants.get(tenant)?.get(id)
}
