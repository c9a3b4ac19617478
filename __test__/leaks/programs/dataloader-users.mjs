// Resolvers of a graph API share one loader.
import DataLoader from 'dataloader'

const users = new Map(Array.from({ length: 5 }, (_, id) => [`${id}`, { role: 'admin' }]))

const userLoader = new DataLoader(async (ids) =>
  ids.map((id) => ({ id, name: `user ${id}`, role: users.get(id)?.role ?? 'guest', links: [`/users/${id}`] })),
)

const resolve = async (post) => ({ ...post, author: await userLoader.load(post.authorId) })

let post = 0
export async function load(count) {
  for (let n = 0; n < count; n++) {
    await resolve({ id: post, authorId: `${post++}`, title: 'post' })
  }
}
