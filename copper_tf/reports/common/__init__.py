"""What all pages share: the page's frame, figures of micrographs, style, texts, PDF."""
