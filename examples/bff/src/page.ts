/** The page: it holds a session cookie that it cannot read, and no token. */
export function page(user: string): string {
  return `<!doctype html><title>Orders</title><h1>Hello ${encodeURIComponent(user)}</h1><p id="orders">loading</p>
<form method="post" action="/auth/logout"><button>Sign out</button></form>
<script>
fetch('/api/orders').then((r) => r.json()).then((found) => {
  document.getElementById('orders').textContent = 'orders: ' + found.orders.join(', ');
});
</script>`;
}
