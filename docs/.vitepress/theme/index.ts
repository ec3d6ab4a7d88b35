import '@shikijs/twoslash/style-rich.css';
import './compiled-code.css';
import theme from 'vitepress/theme';

export default theme;
