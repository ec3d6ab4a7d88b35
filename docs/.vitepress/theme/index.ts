// oxlint-disable import/no-unassigned-import -- styles have nothing to import
import '@shikijs/twoslash/style-rich.css';
import './compiled-code.css';
import theme from 'vitepress/theme';

export default theme;
