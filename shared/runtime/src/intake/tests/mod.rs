mod fakes;
mod http;
mod stored;
mod submitting;
