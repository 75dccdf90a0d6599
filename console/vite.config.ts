import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { themeCss } from './theme-css.ts';

export default defineConfig({
  plugins: [react(), themeCss()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    // A polyfill would be an inline script; every browser with passkeys preloads modules by itself.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
    rollupOptions: { input: { console: 'console/index.html', 'sign-in': 'console/sign-in.html' } },
  },
});
