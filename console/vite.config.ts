import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { themeCss } from './theme-css.ts';

export default defineConfig({
  plugins: [react(), themeCss()],
  build: {
    outDir: 'dist',
    // light-dark() as it is: its stand-in for older browsers does not see Mantine's colour scheme.
    target: ['chrome123', 'firefox121', 'safari17.5'],
    emptyOutDir: true,
    assetsInlineLimit: 0,
    // A polyfill would be an inline script; every browser with passkeys preloads modules by itself.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
    rollupOptions: { input: { console: 'console/index.html', 'sign-in': 'console/sign-in.html' } },
  },
});
